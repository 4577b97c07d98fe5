//! What a family's browser would not send.

use axum::body::Body;
use axum::http::{Method, Request};

use super::{CANARY, Row, ask, bare, page, row};

const FORM: &str = "application/x-www-form-urlencoded";
const CODE: &str = "22222-22222";
const PASSPHRASE: &str = "canary7+canary7";

fn form(path: &str, body: String) -> Request<Body> {
    ask(Method::POST, path).header("content-type", FORM).body(Body::from(body)).unwrap()
}

fn redeemed(code: &str, passphrase: &str, again: &str) -> Request<Body> {
    form("/family/{id}/redeem", format!("invitation={code}&passphrase={passphrase}&again={again}"))
}

pub(super) fn rows() -> Vec<Row> {
    let sign_in = "/family/{id}/sign-in";
    let good = || format!("passphrase={PASSPHRASE}");
    let with = |mut request: Request<Body>, name: &'static str, value: &'static str| {
        request.headers_mut().insert(name, value.parse().unwrap());
        request
    };
    let long = "a".repeat(201);
    let mut rows = vec![
        page("a letter without its guardian", bare(Method::GET, "/family"), 404),
        page("the page of a guardian that is no id", bare(Method::GET, "/family/canary7/page"), 404),
        page("a sign-in page of a guardian that is no id", bare(Method::GET, "/family/canary7"), 404),
        page("a child's page without a session", bare(Method::GET, "/family/{id}/page"), 404),
        page("a sign-in as nobody", form(sign_in, good()), 403),
        page("a sign-in of a guardian that is no id", form("/family/canary7/sign-in", good()), 404),
        page("a sign-in without its field", form(sign_in, "canary7=1".into()), 400),
        page("a sign-in with its field twice", form(sign_in, format!("{0}&{0}", good())), 400),
        page("an empty sign-in", form(sign_in, String::new()), 400),
        page(
            "a sign-in in JSON",
            with(form(sign_in, "{\"passphrase\":\"canary7\"}".into()), "content-type", "application/json"),
            400,
        ),
        page("a sign-in of unsaid kind", ask(Method::POST, sign_in).body(Body::from(good())).unwrap(), 400),
        page("a sign-in from another site", with(form(sign_in, good()), "sec-fetch-site", "cross-site"), 403),
        page(
            "a sign-in from another origin",
            with(form(sign_in, good()), "origin", "https://canary7.example"),
            403,
        ),
        page("a sign-in from no origin", with(form(sign_in, good()), "origin", "null"), 403),
        page("an invitation that is none", redeemed(CANARY, PASSPHRASE, PASSPHRASE), 403),
        page("an invitation of nobody's", redeemed(CODE, PASSPHRASE, PASSPHRASE), 403),
        page(
            "an invitation of a thousand letters",
            redeemed(&"2".repeat(1_000), PASSPHRASE, PASSPHRASE),
            403,
        ),
        page("a passphrase that is too short", redeemed(CODE, CANARY, CANARY), 422),
        page("a passphrase that is too long", redeemed(CODE, &long, &long), 422),
        page("a passphrase that is empty", redeemed(CODE, "", ""), 422),
        page(
            "a passphrase that was typed otherwise again",
            redeemed(CODE, PASSPHRASE, "canary7+canary8"),
            422,
        ),
        page(
            "an invitation without a passphrase",
            form("/family/{id}/redeem", format!("invitation={CODE}")),
            400,
        ),
        page(
            "an invitation from another site",
            with(redeemed(CODE, PASSPHRASE, PASSPHRASE), "sec-fetch-site", "cross-site"),
            403,
        ),
        page("a sign-out of a guardian that is no id", form("/family/canary7/sign-out", String::new()), 404),
        page(
            "a sign-out from another site",
            with(form("/family/{id}/sign-out", String::new()), "sec-fetch-site", "same-site"),
            404,
        ),
    ];
    for (what, cookie) in [
        ("is empty", "carryover_family="),
        ("is words", "carryover_family=canary7"),
        ("nobody was given", "carryover_family=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("has no name", "canary7"),
        ("is of another name", "session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let request = with(bare(Method::GET, "/family/{id}/page"), "cookie", cookie);
        rows.push(page(format!("a child's page with a cookie that {what}"), request, 404));
    }
    for path in ["/family/{id}", "/family/{id}/page", "/family"] {
        let twice = bare(Method::GET, &format!("{path}?language=es&language={CANARY}"));
        rows.push(row(format!("GET {path} in two languages"), twice, 400, "bad_request"));
    }
    rows.push(row("GET /family/%ff", bare(Method::GET, "/family/%ff"), 400, "bad_request"));
    rows
}
