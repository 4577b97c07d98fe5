//! From where a request comes: the address that limits are counted by.
//!
//! TLS is spoken by a proxy in front of the server, and then every request comes from the proxy. A proxy on this machine, or one that
//! `serve --proxy` names, is believed: it puts the address that it was asked from at the end of `X-Forwarded-For`. What anybody else puts
//! there is anybody's word.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// A network's part of an IPv6 address: whoever has one address of it has all of them.
const NETWORK: Ipv6Addr = Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0xffff, 0, 0, 0, 0);

/// The address that a request comes from, of IPv6 its network. Handlers find it among the extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub IpAddr);

/// Returns where a request comes from; none where it came over no socket.
pub(super) fn address_of(request: &Request, proxies: &[IpAddr]) -> Option<Address> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip().to_canonical();
    let is_proxy = peer.is_loopback() || proxies.iter().any(|proxy| proxy.to_canonical() == peer);
    let forwarded = is_proxy.then(|| forwarded(request.headers())).flatten();
    Some(Address(network(forwarded.unwrap_or(peer))))
}

/// Returns the last address in the header: the one that the proxy itself has put there.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next()?.trim();
    // Some proxies name the port, too.
    last.parse().ok().or_else(|| last.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(address & NETWORK),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let mut request = Request::builder().uri("/");
        for header in forwarded {
            request = request.header(FORWARDED_FOR, *header);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        address_of(&request, &["10.0.0.5".parse().unwrap()]).unwrap().0.to_string()
    }

    #[test]
    fn only_a_proxy_is_believed_and_only_its_own_word() {
        for (peer, forwarded, address) in [
            ("192.0.2.7:1", &[][..], "192.0.2.7"),
            ("192.0.2.7:1", &["203.0.113.9"], "192.0.2.7"),
            ("127.0.0.1:1", &["203.0.113.9"], "203.0.113.9"),
            ("[::1]:1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.5:1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.5:1", &["198.51.100.1", "203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.6:1", &["203.0.113.9"], "10.0.0.6"),
            ("127.0.0.1:1", &["somebody"], "127.0.0.1"),
            ("127.0.0.1:1", &[], "127.0.0.1"),
            ("[::ffff:192.0.2.7]:1", &[], "192.0.2.7"),
            ("127.0.0.1:1", &["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::"),
            ("[2001:db8:1:2::9]:1", &[], "2001:db8:1:2::"),
        ] {
            assert_eq!(seen(peer, forwarded), address, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn what_came_over_no_socket_has_no_address() {
        assert_eq!(address_of(&Request::new(Body::empty()), &[]), None);
    }
}
