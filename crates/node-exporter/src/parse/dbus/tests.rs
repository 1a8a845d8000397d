use super::*;

/// An answer to call `serial`, in either byte order: a stand-in for a service.
pub(crate) fn reply(serial: u32, kind: u8, error: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut fields = vec![FIELD_REPLY_SERIAL, 1, b'u', 0];
    fields.extend_from_slice(&serial.to_le_bytes());
    if let Some(error) = error {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend_from_slice(&[FIELD_ERROR_NAME, 1, b's', 0]);
        fields.extend_from_slice(&(error.len() as u32).to_le_bytes());
        fields.extend_from_slice(error.as_bytes());
        fields.push(0);
    }
    let mut message = vec![b'l', kind, 0, PROTOCOL_VERSION];
    message.extend_from_slice(&(body.len() as u32).to_le_bytes());
    message.extend_from_slice(&77_u32.to_le_bytes());
    message.extend_from_slice(&(fields.len() as u32).to_le_bytes());
    message.extend_from_slice(&fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend_from_slice(body);
    message
}

pub(crate) const RETURN: u8 = TYPE_METHOD_RETURN;
pub(crate) const ERROR: u8 = TYPE_ERROR;

/// A text as a body holds it.
pub(crate) fn push_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

/// A variant that holds a text.
pub(crate) fn text_variant(text: &str) -> Vec<u8> {
    let mut bytes = vec![1, b's', 0];
    push_text(&mut bytes, text);
    bytes
}

/// A variant that holds a number of 64 bits.
pub(crate) fn number_variant(number: u64) -> Vec<u8> {
    let mut bytes = vec![1, b't', 0];
    bytes.resize(8, 0);
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes
}

#[test]
fn a_call_says_how_long_it_is_and_whom_it_calls() {
    let call = Call {
        destination: "org.example",
        path: "/org/example",
        interface: "org.example.Thing",
        member: "Get",
        arguments: &["one", "two"],
    };
    let message = call.encode(9);
    assert_eq!(frame_bytes(&message), Ok(message.len()));
    let frame = Frame::decode(&message).unwrap();
    assert_eq!(frame.reply_to, None, "a call answers nothing");
    let mut arguments = Vec::new();
    push_text(&mut arguments, "one");
    push_text(&mut arguments, "two");
    assert!(message.ends_with(&arguments));
}

#[test]
fn answers_carry_values_and_errors() {
    let frame = Frame::decode(&reply(5, RETURN, None, &text_variant("running"))).unwrap();
    assert_eq!(frame.reply_to, Some(5));
    assert_eq!(frame.answer.unwrap().value(), Ok(Value::Text("running".into())));
    let frame = Frame::decode(&reply(6, RETURN, None, &number_variant(1 << 40))).unwrap();
    assert_eq!(frame.answer.unwrap().value(), Ok(Value::Number(1 << 40)));
    let frame = Frame::decode(&reply(7, ERROR, Some("org.example.Failed"), &[])).unwrap();
    assert_eq!(frame.answer, Err(DbusError::Method { name: "org.example.Failed".into() }));
}

#[test]
fn rows_of_structures() {
    let mut rows = Vec::new();
    for (name, number) in [("a.service", 1_u32), ("b.timer", 2)] {
        rows.resize(rows.len().next_multiple_of(8), 0);
        push_text(&mut rows, name);
        rows.resize(rows.len().next_multiple_of(4), 0);
        rows.extend_from_slice(&number.to_le_bytes());
        push_text(&mut rows, "/path");
    }
    let mut body = (rows.len() as u32).to_le_bytes().to_vec();
    body.resize(8, 0);
    body.extend_from_slice(&rows);
    let frame = Frame::decode(&reply(1, RETURN, None, &body)).unwrap();
    let rows = frame.answer.unwrap().rows(b"suo").unwrap();
    assert_eq!(rows, [["a.service", "", "/path"], ["b.timer", "", "/path"]]);
}

#[test]
fn garbage_is_refused_without_harm() {
    let whole = reply(5, ERROR, Some("org.example.Failed"), &text_variant("x"));
    for cut in 0..whole.len() {
        drop(Frame::decode(&whole[..cut]));
    }
    for at in 0..whole.len() {
        let mut broken = whole.clone();
        broken[at] = 0xff;
        if let Ok(Frame { answer: Ok(body), .. }) = Frame::decode(&broken) {
            drop(body.value());
            drop(body.rows(b"ssu"));
        }
        drop(frame_bytes(&broken));
    }
    let mut long = whole;
    long[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(frame_bytes(&long), Err(DbusError::TooLong { .. })));
    assert_eq!(frame_bytes(&[0; 16]), Err(DbusError::Broken { at: 0 }));
}
