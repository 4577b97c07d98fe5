//! The line to a server: one request, and its answer as JSON.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, StatusCode, Url};
use serde_json::Value;

use crate::commands::{CommandError, Common, Exit};

/// How long a connection may take to come about, in seconds.
pub const CONNECT_S_MAX: u64 = 10;
/// How long an answer may take, in seconds: a district's import is the longest.
pub const ANSWER_S_MAX: u64 = 600;

/// A server, and the token to speak to it with.
pub(super) struct Remote {
    client: Client,
    base: Url,
    token: String,
}

impl Remote {
    /// Takes server and token from the command line.
    pub(super) fn of(common: &Common) -> Result<Self, CommandError> {
        let usage = |code, message: &str, help| CommandError::new(Exit::Usage, code, message, help);
        let (Some(server), Some(token)) = (&common.server, &common.token) else {
            let help = "give --server URL and --token TOKEN; `carryover admin token` makes one";
            return Err(usage("usage", "this command speaks to a server", help));
        };
        let help = "write it as http://host:port or https://host";
        let bad_url = || usage("bad_server", "--server is no address", help);
        let mut base: Url = server.parse().map_err(|_| bad_url())?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad_url());
        }
        base.set_query(None);
        // Of two installations the first one stands, which is the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(CONNECT_S_MAX))
            .timeout(Duration::from_secs(ANSWER_S_MAX))
            // Where a reply leads elsewhere, it is not our server that speaks.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CommandError::of(Exit::Failed, "client", &error, "try again"))?;
        Ok(Self { client, base, token: token.clone() })
    }

    /// Asks for something.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, CommandError> {
        self.ask(Method::GET, path, query, None)
    }

    /// Has something done.
    pub(super) fn post(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        body: &Value,
    ) -> Result<Value, CommandError> {
        self.ask(Method::POST, path, query, Some(body))
    }

    fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, CommandError> {
        let url = self.url(path, query);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CommandError::of(Exit::Failed, "system", &error, "try again"))?;
        runtime.block_on(async {
            let mut request =
                self.client.request(method, url).header(AUTHORIZATION, format!("Bearer {}", self.token));
            if let Some(body) = body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
            }
            let response = request.send().await.map_err(|error| unreachable(&error.without_url()))?;
            let status = response.status();
            let bytes = response.bytes().await.map_err(|error| unreachable(&error.without_url()))?;
            match serde_json::from_slice::<Value>(&bytes) {
                Ok(answer) if status.is_success() && answer.is_object() => Ok(answer),
                Ok(answer) if answer["error"]["code"].is_string() => Err(refused(status, &answer)),
                Ok(_) | Err(_) => Err(CommandError::new(
                    Exit::Unreachable,
                    "not_ours",
                    "what answers at this address is not the server",
                    "check --server, and whether the network asks you to sign in",
                )),
            }
        })
    }

    /// Returns the address of a page of the server: what stands at its root.
    pub(super) fn beside(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // Each part is one segment, whatever characters a district has in its ids.
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

fn unreachable(error: &reqwest::Error) -> CommandError {
    CommandError::of(Exit::Unreachable, "unreachable", error, "check the network and --server")
}

/// A refusal in the server's own words, under the exit status that scripts know it by.
fn refused(status: StatusCode, answer: &Value) -> CommandError {
    let text = |name: &str| answer["error"][name].as_str().unwrap_or_default();
    let exit = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => Exit::NotAllowed,
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT
        | StatusCode::INSUFFICIENT_STORAGE => Exit::Unreachable,
        status if status.is_client_error() => Exit::Usage,
        _ => Exit::Failed,
    };
    CommandError::new(exit, text("code"), text("message"), text("help")).with_details(answer["error"].clone())
}
