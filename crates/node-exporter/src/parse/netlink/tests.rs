//! Cases of `parse::netlink`.

use super::*;

pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = (value.len() + 4) as u16;
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

pub(super) fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = ((HEADER_BYTES + body.len()) as u32).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend_from_slice(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn link_message(index: u32, attributes: &[Vec<u8>]) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend_from_slice(&index.to_ne_bytes());
    body.resize(16, 0);
    body.extend(attributes.concat());
    message(NEW_LINK, &body)
}

#[test]
fn links_with_wide_and_narrow_counters() {
    let wide: Vec<u8> = (1..=25_u64).flat_map(u64::to_ne_bytes).collect();
    let narrow: Vec<u8> = (101..=124_u32).flat_map(u32::to_ne_bytes).collect();
    let alternatives = [attribute(53, b"enp0s1\0"), attribute(53, b"lan\0")].concat();
    let answer = [
        link_message(1, &[attribute(3, b"lo\0"), attribute(7, &narrow), attribute(23, &wide)]),
        link_message(2, &[attribute(3, b"eth0\0"), attribute(7, &narrow), attribute(0x8000 | 52, &alternatives)]),
        link_message(3, &[attribute(3, b"odd\0")]),
        message(TYPE_DONE, &[0; 4]),
    ]
    .concat();
    let links = links(&answer);
    assert_eq!(
        links.iter().map(|link| (link.index, link.name.as_str())).collect::<Vec<_>>(),
        [(1, "lo"), (2, "eth0"), (3, "odd")]
    );
    assert_eq!(links[0].counters.unwrap()[23], 24, "the wide counters win");
    assert_eq!(links[1].counters.unwrap()[0], 101);
    assert_eq!(links[1].alternative_names, ["enp0s1", "lan"]);
    assert_eq!(links[2].counters, None);
}

#[test]
fn neighbours_and_addresses() {
    let mut neighbour = vec![FAMILY_V4, 0, 0, 0];
    neighbour.extend_from_slice(&7_u32.to_ne_bytes());
    neighbour.extend_from_slice(&0x40_u16.to_ne_bytes());
    neighbour.resize(12, 0);
    assert_eq!(neighbours(&message(NEW_NEIGHBOUR, &neighbour)), [Neighbour { link: 7, state: 0x40 }]);

    let mut address = vec![FAMILY_V4, 24, 0, 0];
    address.extend_from_slice(&2_u32.to_ne_bytes());
    address.extend(attribute(1, &[10, 0, 0, 9]));
    address.extend(attribute(2, &[10, 0, 0, 1]));
    let expected = Address { link: 2, address: "10.0.0.1".parse().unwrap(), prefix_bits: 24 };
    assert_eq!(addresses(&message(NEW_ADDRESS, &address)), [expected]);
}

#[test]
fn ends_and_garbage() {
    assert_eq!(dump_end(&link_message(1, &[])), DumpEnd::NotYet);
    assert_eq!(dump_end(&message(TYPE_DONE, &[0; 4])), DumpEnd::Done);
    assert_eq!(dump_end(&message(TYPE_ERROR, &(-1_i32).to_ne_bytes())), DumpEnd::Error(1));
    let whole = link_message(1, &[attribute(3, b"lo\0"), attribute(23, &[1; 40])]);
    for cut in 0..whole.len() {
        drop(links(&whole[..cut]));
        drop(neighbours(&whole[..cut]));
        drop(addresses(&whole[..cut]));
    }
    assert_eq!(links(&[0; 64]), []);
    assert_eq!(links(&[255; 64]), []);
}

#[test]
fn requests_name_their_length() {
    for request in [links_request(), addresses_request(), neighbours_request()] {
        assert_eq!(u32_at(&request, 0), Some(request.len() as u32));
    }
    assert_eq!(neighbours_request()[16], FAMILY_V4);
}
