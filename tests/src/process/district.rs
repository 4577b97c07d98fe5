//! The district of the stories.
//!
//! | Student | Team |
//! | --- | --- |
//! | `s1` | `slp1`, `ot1`, `cm1`, the para `para1`, the assistant `asst1` |
//! | `s2` to `s4` | `slp1`, `cm1`; `para1` on `s2` |
//! | `s5` | `slp1`, `cm1` |
//! | `s6` | `slp2`, who is on no other team |

/// The organisation's zone.
pub(super) const ZONE: &str = "America/Chicago";

const FILES: &[(&str, &str)] = &[
    ("schools.csv", "external_id,name\noak,Oak Elementary\n"),
    (
        "terms.csv",
        "external_id,school,name,first_day,last_day
fall,,Fall,2026-08-24,2026-12-18
spring,,Spring,2027-01-04,2027-05-28
",
    ),
    (
        "people.csv",
        "external_id,name,email,school,role
slp1,Ana Silva,,oak,slp
slp2,Sol Ferrer,,oak,slp
ot1,Dov Katz,,oak,ot
cm1,Carla Lind,,oak,cm
para1,Ben Okafor,,oak,para
asst1,Mina Sato,,oak,asst
coord1,Rae Novak,,oak,coord
",
    ),
    (
        "students.csv",
        "external_id,display_name,grade,school,home_language
s1,Maribel Quintero,3,oak,es
s2,Oskar Lindqvist,3,oak,
s3,Tamsin Odell,3,oak,
s4,Priyanka Raman,3,oak,
s5,Wendell Achebe,4,oak,
s6,Bruno Falkenrath,4,oak,
",
    ),
    (
        "team.csv",
        "student,person,role,from,to,supervisor,reason
s1,slp1,slp,2026-08-24,,,caseload
s1,ot1,ot,2026-08-24,,,caseload
s1,cm1,cm,2026-08-24,,,caseload
s1,para1,para,2026-08-24,,slp1,class
s1,asst1,asst,2026-08-24,,slp1,class
s2,slp1,slp,2026-08-24,,,caseload
s2,cm1,cm,2026-08-24,,,caseload
s2,para1,para,2026-08-24,,slp1,class
s3,slp1,slp,2026-08-24,,,caseload
s3,cm1,cm,2026-08-24,,,caseload
s4,slp1,slp,2026-08-24,,,caseload
s4,cm1,cm,2026-08-24,,,caseload
s5,slp1,slp,2026-08-24,,,caseload
s5,cm1,cm,2026-08-24,,,caseload
s6,slp2,slp,2026-08-24,,,caseload
",
    ),
    (
        "services.csv",
        "external_id,student,discipline,mode,place,sessions,period,minutes,from,to
v1,s1,slp,push-in,general-class,2,week,30,2026-08-24,
v2,s2,slp,push-in,general-class,2,week,30,2026-08-24,
v3,s3,slp,push-in,general-class,2,week,30,2026-08-24,
v4,s4,slp,push-in,general-class,2,week,30,2026-08-24,
v5,s5,slp,push-in,general-class,2,week,30,2026-08-24,
v6,s6,slp,push-in,general-class,2,week,30,2026-08-24,
",
    ),
    (
        "goals.csv",
        "external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,baseline_date,target_date,criterion,assigned
g1,s1,slp,Raises a hand before speaking,,count,increase,6,,,,,slp1;para1;asst1
g1p,s1,slp,Answers who and where questions,,percent,increase,80,,,,,slp1
g2,s2,slp,Asks a peer to join in,,count,increase,4,,,,,slp1;para1
g3,s3,slp,Uses a full sentence,,count,increase,4,,,,,slp1
g4,s4,slp,Waits for a turn,,count,increase,4,,,,,slp1
g5,s5,slp,Says the r sound in sentences,,percent,increase,80,,,,,slp1
g6,s6,slp,Names the day,,percent,increase,80,,,,,slp2
",
    ),
];

/// Returns the files of the district, by their names.
pub(super) fn files() -> Vec<(&'static str, String)> {
    FILES.iter().map(|(name, text)| (*name, (*text).to_owned())).collect()
}
