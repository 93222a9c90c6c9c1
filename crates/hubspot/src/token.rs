//! What HubSpot's tokens look like: enough to tell one from a key of somebody else's.

/// What a token's form tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenForm {
    /// A private app's token, or a service key: `pat-`, a region, and a UUID
    /// (<https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview>).
    PrivateApp,
    /// An access token of an OAuth app: long, and beginning with `C`
    /// (the examples of <https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth>).
    OAuth,
}

/// The shortest access token that is taken for one; those of the examples have about seventy letters.
const OAUTH_CHARS_MIN: usize = 60;
/// HubSpot advises to expect access tokens of up to 300 letters, and longer ones with more scopes.
const OAUTH_CHARS_MAX: usize = 2_048;

/// Whether a text has the form of one of HubSpot's tokens.
pub fn token_form(text: &str) -> Option<TokenForm> {
    if text
        .strip_prefix("pat-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(at, id)| is_region(at) && is_uuid(id))
    {
        return Some(TokenForm::PrivateApp);
    }
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte));
    let long = (OAUTH_CHARS_MIN..=OAUTH_CHARS_MAX).contains(&text.len());
    let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
    (text.starts_with('C') && plain && long && mixed).then_some(TokenForm::OAuth)
}

/// `na1`, `eu1`, `ap1`.
fn is_region(text: &str) -> bool {
    let (letters, number) = text.split_at_checked(2).unwrap_or_default();
    let short = (1..=2).contains(&number.len());
    short && letters.bytes().all(|byte| byte.is_ascii_lowercase()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_keys() {
        let long = format!("CKL5{}", "aB3-_".repeat(20));
        let cases = [
            ("pat-na1-01234567-89ab-cdef-0123-456789abcdef", Some(TokenForm::PrivateApp)),
            ("pat-eu1-01234567-89AB-cdef-0123-456789abcdef", Some(TokenForm::PrivateApp)),
            (long.as_str(), Some(TokenForm::OAuth)),
            ("pat-test-1", None),
            ("pat-na1-01234567-89ab-cdef-0123-456789abcde", None),
            ("pat-01234567-89ab-cdef-0123-456789abcdef", None),
            ("pat-na1-01234567-89ab-cdef-0123-456789abcdeg", None),
            ("Cab3", None),
            ("", None),
            ("billing-key", None),
            ("0b6ff1a14e1b7b4b2a8b0f9d1f7c2a44c3a1b9d8e7f6a5b4c3d2e1f00918273645", None),
        ];
        for (text, form) in cases {
            assert_eq!(token_form(text), form, "{text}");
        }
        assert_eq!(token_form(&long.replace('_', " ")), None);
        assert_eq!(token_form(&"C".repeat(80)), None);
    }
}
