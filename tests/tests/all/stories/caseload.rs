//! Sixty students, which is a large caseload for one person.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use tests::process::{Tablet, World};

use super::list;

pub(crate) const STUDENTS: usize = 60;
/// Bytes of bodies, both ways, of an exchange in which nobody has anything to say.
const NOTHING_NEW_BYTES_MAX: u64 = 200;
/// How long a kilobyte takes on a poor line, in milliseconds: 16 KB/s.
const POOR_LINE_MS: u64 = 62;

/// A school in which one speech therapist and one case manager share every student.
pub(crate) fn crowded() -> World {
    let mut students = String::from("external_id,display_name,grade,school,home_language\n");
    let mut team = String::from("student,person,role,from,to,supervisor,reason\n");
    let mut services =
        String::from("external_id,student,discipline,mode,place,sessions,period,minutes,from,to\n");
    let mut goals = String::from("external_id,student,discipline,statement,kind,direction,target,assigned\n");
    for nth in 1..=STUDENTS {
        writeln!(students, "s{nth},Pupil Number{nth},3,oak,").unwrap();
        for (person, role) in [("slp1", "slp"), ("cm1", "cm")] {
            writeln!(team, "s{nth},{person},{role},2026-08-24,,,caseload").unwrap();
        }
        writeln!(services, "v{nth},s{nth},slp,push-in,general-class,2,week,30,2026-08-24,").unwrap();
        writeln!(goals, "g{nth},s{nth},slp,Asks for a turn,percent,increase,80,slp1").unwrap();
    }
    World::importing(&[
        ("schools.csv", "external_id,name\noak,Oak Elementary\n".into()),
        (
            "terms.csv",
            "external_id,school,name,first_day,last_day\nfall,,Fall,2026-08-24,2026-12-18\n".into(),
        ),
        (
            "people.csv",
            "external_id,name,email,school,role\nslp1,Ana Silva,,oak,slp\ncm1,Carla Lind,,oak,cm\n".into(),
        ),
        ("students.csv", students),
        ("team.csv", team),
        ("services.csv", services),
        ("goals.csv", goals),
    ])
}

fn a_day_with_everybody(tablet: &Tablet, hour: usize) {
    for nth in 1..=STUDENTS {
        tablet.ok(&format!(
            "log --student s{nth} --mode push-in --place general-class --start 2026-10-16T{hour:02}:{:02}:00-05:00 \
             --minutes 5 --service v{nth} --goal g{nth} --correct {} --of 10",
            nth % 60,
            nth % 11
        ));
    }
}

#[test]
fn a_school_day_of_sixty_students_is_one_exchange() {
    let world = crowded();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    assert_eq!(list(&ana.ok("caseload")["students"]).len(), STUDENTS);
    for tablet in [&ana, &carla] {
        tablet.network.set_up(false);
    }
    a_day_with_everybody(&ana, 9);
    a_day_with_everybody(&carla, 13);
    for tablet in [&ana, &carla] {
        tablet.network.set_up(true);
    }
    for (tablet, others) in [(&carla, 0), (&ana, STUDENTS)] {
        let day = tablet.ok("sync");
        assert_eq!((&day["stored"], &day["waiting"]), (&json!(STUDENTS), &json!(0)), "{day}");
        assert_eq!(day["round_trips"], 1, "{day}");
        let seen = (1..=STUDENTS).map(|nth| list(&tablet.record(&format!("s{nth}"))["sessions"]).len());
        assert_eq!(seen.sum::<usize>(), STUDENTS + others, "{}: all of it came down with it", tablet.person);
    }

    // A quiet exchange after another: the first one may still bring what the delivery itself has left in the log.
    ana.ok("sync");
    let quiet = ana.ok("sync");
    let bytes = quiet["bytes_up"].as_u64().unwrap() + quiet["bytes_down"].as_u64().unwrap();
    assert!(bytes < NOTHING_NEW_BYTES_MAX, "{bytes} bytes for nothing: {quiet}");
    assert_eq!(quiet["round_trips"], 1);

    // Somebody with an empty tablet and a line on which nothing lasts longer than two seconds.
    let newcomer = world.unpaired("cm1");
    let code = world.admin("device code cm1");
    newcomer.ok(&format!(
        "pair --server {} --code {}",
        newcomer.network.url(),
        code["code"].as_str().unwrap()
    ));
    let before = newcomer.network.connections();
    newcomer.network.set_pace(Duration::from_millis(POOR_LINE_MS));
    newcomer.network.drop_every(Duration::from_secs(2));
    newcomer.ok("sync --until-done");
    let connections = newcomer.network.connections() - before;
    assert!(connections >= 3, "{connections} connections: the line was too good to prove anything");
    carla.ok("sync");
    for nth in 1..=STUDENTS {
        let student = format!("s{nth}");
        assert_eq!(newcomer.record(&student), carla.record(&student));
    }
}
