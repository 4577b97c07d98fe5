//! A server that was restored: hearing of it, sending again what it has lost, and being told everything anew.

use crate::exchange::client::outbox::{Outgoing, day_of};
use crate::exchange::client::state::{ActRow, ActState, KeptRow, KeptState, Tablet, key, put};
use crate::exchange::client::trail::{Ancestry, goes_on_as, walk_to};
use crate::exchange::client::withdrawal;
use crate::exchange::message::{Cursor, Fate, Life, Listing, Outcome, Receipt, Reply};
use crate::ids::{ActId, DocumentId, LogId};
use crate::kv::{KvError, Overlay};

/// Hears that the server's log is in another life than the one that the cursor is of. As long as the server cannot say what the two share,
/// nothing comes of it but that it is shown more.
///
/// What was held or refused behind the place that both lives share has no fate any more. What was stored there is sent again as it was
/// sealed; an act of which nothing was sealed is judged anew, too. What the copies have of the lost stretch is offered.
pub(crate) fn hear(sheet: &mut Overlay<'_>, life: &Life) -> Result<(), KvError> {
    if let Some(known) = Tablet(sheet).ancestry()?.filter(|known| known.log == life.log) {
        put(sheet, key::meta("ancestry"), &Ancestry { waiting: life.waiting, ..known });
        return Ok(());
    }
    let Some(until) = life.shared else {
        sheet.put(key::meta("trail wanted"), Vec::new());
        return Ok(());
    };
    sheet.delete(key::meta("trail wanted"));
    let life = goes_on_as(sheet, life.log, until, life.waiting)?;
    withdrawal::hear(sheet)?;
    for row in Tablet(sheet).acts()? {
        if row.receipt.is_none_or(|receipt| life.has(&receipt)) {
            continue;
        }
        let sealed = Tablet(sheet).kept_act(row.name.id(), row.act)?.is_some();
        if let ActState::Held(hold) = row.state {
            withdrawal::lose(sheet, hold, row.name.id(), row.act)?;
        }
        if !(row.state == ActState::Stored && sealed) {
            let row = ActRow { state: ActState::Unsent, receipt: None, ..row };
            put(sheet, key::act(Some(row.number)), &row);
        }
    }
    let Some(cursor) = Tablet(sheet).cursor()?.filter(|cursor| cursor.log != life.log) else { return Ok(()) };
    for copy in Tablet(sheet).copies()? {
        let last = Receipt { log: cursor.log, seq: copy.last.max(cursor.seq), keyed: [0; 16] };
        if !life.has(&last) {
            put(sheet, key::offer(&copy.name.id().0), &0_u64);
        }
    }
    Ok(())
}

/// Notes that the server goes on in this life of its log: an administrator has confirmed it.
pub(crate) fn confirmed(sheet: &mut Overlay<'_>, log: LogId) -> Result<(), KvError> {
    if let Some(ancestry) =
        Tablet(sheet).ancestry()?.filter(|ancestry| ancestry.log == log && ancestry.waiting)
    {
        put(sheet, key::meta("ancestry"), &Ancestry { waiting: false, ..ancestry });
    }
    Ok(())
}

/// Notes how far the copies have been offered: what a request brought is safe with the reply to it.
pub(crate) fn note_offered(sheet: &mut Overlay<'_>, outgoing: &Outgoing) {
    for (document, done) in &outgoing.offered {
        match done {
            Some(done) => put(sheet, key::offer(&document.0), done),
            None => sheet.delete(key::offer(&document.0)),
        }
    }
}

/// Notes a place of the log beyond the cursor, in the life that the cursor is of, up to which a copy was fetched.
pub(crate) fn note_seen(sheet: &mut Overlay<'_>, mark: &Cursor) -> Result<(), KvError> {
    walk_to(sheet, mark)?;
    let known = Tablet(sheet).mark()?;
    if known.is_none_or(|known| known.log != mark.log || known.seq < mark.seq) {
        put(sheet, key::meta("mark"), mark);
    }
    Ok(())
}

/// Notes the last place of the log that a fate was given at, until the cursor is behind it.
pub(crate) fn note_mark(sheet: &mut Overlay<'_>, reply: &Reply) -> Result<(), KvError> {
    let known = Tablet(sheet).mark()?;
    let present = reply.life.as_ref().map(|life| life.log).or(reply.cursor.map(|cursor| cursor.log));
    let of_the_past = |mark: &Cursor| present.is_some_and(|present| mark.log != present);
    let behind = |mark: &Cursor| reply.cursor.is_some_and(|cursor| cursor.seq >= mark.seq);
    let known = known.filter(|mark| !of_the_past(mark) && !behind(mark));
    let later = match (known, reply.mark) {
        (Some(known), Some(new)) if known.log == new.log && known.seq >= new.seq => Some(known),
        (known, new) => new.or(known),
    };
    match later {
        Some(mark) => put(sheet, key::meta("mark"), &mark),
        None => sheet.delete(key::meta("mark")),
    }
    Ok(())
}

/// Notes beside an act's sealed copy what became of it.
pub(crate) fn note_kept(
    sheet: &mut Overlay<'_>,
    document: DocumentId,
    act: ActId,
    fate: &Fate,
) -> Result<(), KvError> {
    let Some(kept) = Tablet(sheet).kept_act(document, act)? else { return Ok(()) };
    let state = match &fate.outcome {
        Outcome::Stored => KeptState::Stored,
        Outcome::Held { .. } | Outcome::Refused { .. } => KeptState::Judged,
    };
    let kept = KeptRow { state, receipt: Some(fate.receipt), ..kept };
    put(sheet, key::kept(&[&document.0, &act.0]), &kept);
    Ok(())
}

/// Lets go of the sealed copies whose receipts a backup of the server's present log covers.
pub(crate) fn let_go_of_kept(sheet: &mut Overlay<'_>, backed_up: u64) -> Result<(), KvError> {
    // A backup of a life that this tablet has not gone over to yet says nothing of what it knows.
    if backed_up == 0 || Tablet(sheet).trail_wanted()? {
        return Ok(());
    }
    let ancestry = Tablet(sheet).ancestry()?;
    let present = match &ancestry {
        Some(ancestry) => Some(ancestry.log),
        None => Tablet(sheet).cursor()?.map(|cursor| cursor.log),
    };
    let covers = |receipt: &Receipt| {
        let here =
            present == Some(receipt.log) || ancestry.as_ref().is_some_and(|ancestry| ancestry.has(receipt));
        here && receipt.seq <= backed_up
    };
    for kept in Tablet(sheet).kept()? {
        if kept.receipt.as_ref().is_some_and(covers) {
            sheet.delete(key::kept(&[&kept.document.0, &kept.act.0]));
            sheet.delete(key::sealed(&[&kept.document.0, &kept.act.0]));
        }
    }
    Ok(())
}

/// Marks all holds and facts as not told anew yet. They are shown until everything has been told.
pub(crate) fn mark_stale(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    for hold in Tablet(sheet).holds()? {
        sheet.put(key::stale_hold(&hold.id.0), Vec::new());
    }
    for (name, _) in Tablet(sheet).facts("")? {
        sheet.put(key::stale_fact(name.as_bytes()), Vec::new());
    }
    Ok(())
}

/// Forgets the holds and facts that were not told anew.
pub(crate) fn forget_stale(sheet: &mut Overlay<'_>) -> Result<(), KvError> {
    for (id, _) in Tablet(sheet).scan(&key::stale_hold(&[]))? {
        sheet.delete(key::hold(&id));
        sheet.delete(key::stale_hold(&id));
    }
    for (name, _) in Tablet(sheet).scan(&key::stale_fact(&[]))? {
        sheet.delete(key::fact_bytes(&name));
        sheet.delete(key::stale_fact(&name));
    }
    Ok(())
}

/// Notes that the copies were compared today, or that the server wants to see them one by one.
pub(crate) fn note_listed(sheet: &mut Overlay<'_>, outgoing: &Outgoing, reply: &Reply) {
    let wanted = key::meta("listing wanted");
    match &outgoing.request.listing {
        None if reply.listing_wanted => sheet.put(wanted, Vec::new()),
        None => {}
        Some(Listing::Digest(_) | Listing::Full(_)) => {
            put(sheet, key::meta("listed on"), &day_of(outgoing.request.clock));
            if reply.listing_wanted { sheet.put(wanted, Vec::new()) } else { sheet.delete(wanted) }
        }
    }
}
