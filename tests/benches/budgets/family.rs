//! What a family's browser loads: a child's page and all that it refers to, as sent, heads of the answers included.

use tests::process::World;
use tests::process::http::{Answer, send};

use crate::measure::Failed;
use crate::report::{Bound, Row, show};

const PASSPHRASE: &str = "four+small+green+apples";

pub fn measure() -> Result<Vec<Row>, Failed> {
    let world = World::demo();
    let (url, announced) = (world.url(), world.with_server(|server| server.announced["guardians"].clone()));
    let mut pages = Vec::new();
    for guardian in announced.as_array().ok_or("no guardians")? {
        let Some(invitation) = guardian["invitation"].as_str() else { continue };
        let sign_in = guardian["sign_in_url"].as_str().and_then(|whole| whole.strip_prefix(&url));
        pages.push(first_visit(&url, sign_in.ok_or("signs in elsewhere")?, invitation)?);
    }
    pages.sort_unstable();
    let (least, most) = (*pages.first().ok_or("nobody is invited")?, *pages.last().ok_or("nobody")?);
    Ok(vec![
        Row::absolute("25", "a family's page, all in", most as f64 / 1e3, " KB")
            .bounds(Bound::AtMost(60.0), Bound::AtMost(20.0))
            .note(format!(
                "the largest of the demo district's {}, six weeks of visits, nothing packed; the smallest: {}",
                pages.len(),
                show(least as f64 / 1e3, " KB")
            )),
    ])
}

/// Redeems an invitation, opens the page, and returns how many bytes page and style are.
fn first_visit(url: &str, sign_in: &str, invitation: &str) -> Result<usize, Failed> {
    let form = format!("invitation={invitation}&passphrase={PASSPHRASE}&again={PASSPHRASE}");
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let answer = send(url, "POST", &format!("{sign_in}/redeem"), &kind, form.as_bytes());
    let cookie = answer.headers.get("set-cookie").and_then(|cookie| cookie.split(';').next());
    let cookie = [("cookie", cookie.ok_or("not let in")?)];
    let page = send(url, "GET", &format!("{sign_in}/page"), &cookie, b"");
    let mut bytes = sent(&page)?;
    let text = String::from_utf8(page.body)?;
    let mut refers = 0;
    for part in text.split("<link ").skip(1).chain(text.split("<img ").skip(1)) {
        let path = ["href=\"", "src=\""].iter().find_map(|name| part.split_once(name)?.1.split_once('"'));
        bytes += sent(&send(url, "GET", path.ok_or("a link to nothing")?.0, &[], b""))?;
        refers += 1;
    }
    if refers == 0 { Err("a page without its style".into()) } else { Ok(bytes) }
}

fn sent(answer: &Answer) -> Result<usize, Failed> {
    if answer.status != 200 {
        return Err(format!("{} for a page or its style", answer.status).into());
    }
    let status_line = "HTTP/1.1 200 OK\r\n\r\n".len();
    let head: usize = answer.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    Ok(status_line + head + answer.body.len())
}
