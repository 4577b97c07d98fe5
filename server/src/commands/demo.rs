//! `demo`: founds the demo district where there is nothing, and serves it.

use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Announced, CommandError, Common, Exit, Listening, Outcome, serve_engine};
use crate::demo::{DISTRICT, DemoError, discard, found};
use crate::engine::Engine;

/// Whose tablet the next steps are shown with: a speech therapist with a full caseload.
const GUIDE: &str = "slp-1";
/// With whom.
const GUIDE_STUDENT: &str = "s02";

#[derive(Debug, Args)]
pub(super) struct Demo {
    #[command(flatten)]
    listening: Listening,
    /// The data folder; the district is founded in it if it is empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Throw the demo district in the folder away and found it anew
    #[arg(long)]
    fresh: bool,
}

impl Demo {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let settings = common.settings(&self.data);
        if self.fresh {
            discard(&settings)?;
        }
        let begun = settings.clock.now();
        if found(&settings, DISTRICT)? {
            // Nobody is left to tell where standard error is gone.
            let took_ms = settings.clock.now().0 - begun.0;
            let _ = writeln!(stderr(), "the demo district is founded ({took_ms} ms)");
        }
        let engine = Engine::open(&settings)?;
        serve_engine(&engine, &self.listening, common, Some(&next_steps))
    }
}

/// Says what to do next, with the commands to do it.
fn next_steps(announced: &Announced) -> String {
    let (carryover, tablet) = (beside_us("carryover"), beside_us("carryover-tablet"));
    let tablet = format!("{tablet} --store tablet");
    let server = &announced.server;
    let code = announced.pairing_code(GUIDE).unwrap_or("CODE");
    let token = &announced.admin_token;
    let again = if announced.pairing_code(GUIDE).is_none() {
        format!(
            "  a code for another tablet:\n    {carryover} --server {server} --token {token} device code {GUIDE}\n"
        )
    } else {
        String::new()
    };
    let family = announced.invitation(GUIDE_STUDENT).map_or_else(String::new, |(url, invitation)| {
        format!(
            "  see in a browser what the family of {GUIDE_STUDENT} sees (invitation {invitation}, and a passphrase of your own):\n    {url}\n"
        )
    });
    format!(
        "Next, in another terminal:\n\
         {again}\
         \x20 pair a tablet for {GUIDE}, a speech therapist:\n\
         \x20   {tablet} pair --server {server} --code {code}\n\
         \x20   {tablet} sync\n\
         \x20   {tablet} caseload\n\
         \x20 log a session, with or without the server, and send it:\n\
         \x20   {tablet} start --student {GUIDE_STUDENT} --mode push-in --place general-class\n\
         \x20   {tablet} trial --goal g-slp-02 correct\n\
         \x20   {tablet} finish\n\
         \x20   {tablet} sync\n\
         \x20 see two people disagree about a goal, and what waits for review:\n\
         \x20   {tablet} conflicts\n\
         \x20   {tablet} holds\n\
         {family}\
         \x20 as an administrator:\n\
         \x20   {carryover} --server {server} --token {token} person list"
    )
}

/// Returns a program as it is to be typed: by the path of this one, where this one was started by a path.
fn beside_us(program: &str) -> String {
    let started = std::env::args_os().next().map(PathBuf::from);
    let folder = started.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or_else(|| program.to_owned(), |folder| folder.join(program).display().to_string())
}

impl From<DemoError> for CommandError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Found(error) => error.into(),
            DemoError::Engine(error) => error.into(),
            DemoError::NotADemo(_) => {
                Self::of(Exit::Usage, "not_a_demo", &error, "name another folder with --data")
            }
            DemoError::Clock => Self::of(Exit::Usage, "clock", &error, "choose another --clock"),
            DemoError::Import(_)
            | DemoError::Deed(_)
            | DemoError::Outbox(_)
            | DemoError::Reply(_)
            | DemoError::Encode(_)
            | DemoError::Tablet(_)
            | DemoError::Zone(_)
            | DemoError::Nowhere
            | DemoError::Figures
            | DemoError::NotTaken
            | DemoError::System(_) => {
                Self::of(Exit::Failed, "demo", &error, "check the disk, then try again with --fresh")
            }
        }
    }
}
