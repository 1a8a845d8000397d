//! Writes calls of methods.

use super::{
    FIELD_DESTINATION, FIELD_INTERFACE, FIELD_MEMBER, FIELD_PATH, FIELD_SIGNATURE, PROTOCOL_VERSION, TYPE_METHOD_CALL,
};

/// A call of a method whose arguments are texts.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who is called, as `org.freedesktop.systemd1`.
    pub destination: &'a str,
    /// Which of its objects.
    pub path: &'a str,
    /// The interface that the method is of.
    pub interface: &'a str,
    /// The method.
    pub member: &'a str,
    /// The arguments.
    pub arguments: &'a [&'a str],
}

impl Call<'_> {
    /// The message, with the number that its answer will name.
    #[must_use]
    pub fn encode(&self, serial: u32) -> Vec<u8> {
        let mut body = Vec::new();
        for argument in self.arguments {
            push_text(&mut body, argument);
        }
        let mut message = vec![b'l', TYPE_METHOD_CALL, 0, PROTOCOL_VERSION];
        message.extend_from_slice(&(body.len() as u32).to_le_bytes());
        message.extend_from_slice(&serial.to_le_bytes());
        // The length of the fields is known at the end.
        let length_at = message.len();
        message.extend_from_slice(&[0; 4]);
        let fields_at = message.len();
        push_field(&mut message, FIELD_PATH, b'o', self.path);
        push_field(&mut message, FIELD_DESTINATION, b's', self.destination);
        push_field(&mut message, FIELD_INTERFACE, b's', self.interface);
        push_field(&mut message, FIELD_MEMBER, b's', self.member);
        if !self.arguments.is_empty() {
            align(&mut message, 8);
            message.extend_from_slice(&[FIELD_SIGNATURE, 1, b'g', 0, self.arguments.len() as u8]);
            message.extend(self.arguments.iter().map(|_| b's'));
            message.push(0);
        }
        let fields_bytes = (message.len() - fields_at) as u32;
        message[length_at..fields_at].copy_from_slice(&fields_bytes.to_le_bytes());
        align(&mut message, 8);
        message.extend_from_slice(&body);
        message
    }
}

fn push_field(message: &mut Vec<u8>, code: u8, kind: u8, text: &str) {
    align(message, 8);
    message.extend_from_slice(&[code, 1, kind, 0]);
    push_text(message, text);
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    align(bytes, 4);
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

fn align(bytes: &mut Vec<u8>, to: usize) {
    bytes.resize(bytes.len().next_multiple_of(to), 0);
}
