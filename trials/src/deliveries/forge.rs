//! What forgers and mistaken senders make of a genuine delivery. None of it may be believed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::sign::{self, Scheme};
use super::{App, Dice, Post, events};

/// How far a moment may lie from the present, by HubSpot's guide.
pub const WINDOW_MS: u64 = 300_000;
/// A secret that no app has.
pub const FORGERS_SECRET: &str = "a secret that a forger has made up";
const TEN_YEARS_MS: u64 = 315_360_000_000;

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Signed by a secret that is not the app's.
    AnotherSecret,
    /// One bit changed of what is signed, or of the signature.
    BitFlipped,
    /// Signed right, and held back.
    Stale,
    /// Signed right, for a moment to come.
    Future,
    /// Body, address, signature or moment cut.
    Truncated,
    /// Something added to the body.
    Lengthened,
    /// The signature, the moment or the body in another spelling.
    WronglyEncoded,
    /// The body parsed and written again.
    Reserialised,
    /// Signed right by a weaker scheme than the app uses.
    Downgraded,
    /// A header that signs taken away or emptied.
    HeaderGone,
    /// A header that signs there twice.
    HeaderTwice,
    /// Sent to another address or app.
    Moved,
    /// The signature of one delivery on the body of another.
    Spliced,
    /// Signed with the right secret by a wrong recipe.
    Misbuilt,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::AnotherSecret,
        Self::BitFlipped,
        Self::Stale,
        Self::Future,
        Self::Truncated,
        Self::Lengthened,
        Self::WronglyEncoded,
        Self::Reserialised,
        Self::Downgraded,
        Self::HeaderGone,
        Self::HeaderTwice,
        Self::Moved,
        Self::Spliced,
        Self::Misbuilt,
    ];
}

/// What a forgery is made from.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// A genuine delivery.
    pub post: &'a Post,
    /// Another one of the same app.
    pub other: &'a Post,
    /// The app.
    pub app: &'a App,
    /// The present.
    pub now_ms: u64,
    /// How far beyond the window a moment lies at least, for a receiver that looks a little later.
    pub slack_ms: u64,
}

/// A forgery of a class; none if the dice came to something that says the same as the genuine one, or if the class
/// means nothing for its scheme.
pub fn forge(class: Class, from: Material<'_>, dice: &mut Dice) -> Option<Post> {
    let post = from.post.clone();
    let forged = match class {
        Class::AnotherSecret => another_secret(post, from, dice),
        Class::BitFlipped => flipped(post, dice)?,
        Class::Stale => at(post, from, from.now_ms.checked_sub(beyond(from, dice))?)?,
        Class::Future => at(post, from, from.now_ms + beyond(from, dice))?,
        Class::Truncated => truncated(post, dice)?,
        Class::Lengthened => lengthened(post, dice),
        Class::WronglyEncoded => wrongly_encoded(post, from, dice)?,
        Class::Reserialised => reserialised(post, dice)?,
        Class::Downgraded => downgraded(&post, from, dice)?,
        Class::HeaderGone => header_gone(post, dice)?,
        Class::HeaderTwice => header_twice(post, dice),
        Class::Moved => moved(post, dice),
        Class::Spliced => Post { body: from.other.body.clone(), ..post },
        Class::Misbuilt => misbuilt(post, from, dice)?,
    };
    (!says_the_same(from.post, &forged)).then_some(forged)
}

/// Whether all that a scheme covers is the same: such a request is genuine, however it is spelled.
fn says_the_same(one: &Post, other: &Post) -> bool {
    let signs = |post: &Post| {
        let of_scheme = |(name, _): &&(String, Vec<u8>)| sign::HEADERS.contains(&name.as_str());
        post.headers.iter().filter(of_scheme).cloned().collect::<Vec<_>>()
    };
    let address = |post: &Post| match post.scheme {
        Scheme::V1 => String::new(),
        Scheme::V2 => [post.method.as_str(), &post.url()].concat(),
        Scheme::V3 => [post.method.as_str(), &sign::decoded(&post.url())].concat(),
    };
    (one.app, signs(one), address(one), &one.body) == (other.app, signs(other), address(other), &other.body)
}

fn another_secret(post: Post, from: Material<'_>, dice: &mut Dice) -> Post {
    let own = from.app.secret;
    let secrets = [
        String::new(),
        FORGERS_SECRET.to_owned(),
        format!("{own} "),
        format!("{own}\0{own}"),
        own.to_ascii_uppercase(),
        own.chars().skip(1).collect(),
        sign::hex(own.as_bytes()),
    ];
    let secret = dice.pick(&secrets).clone();
    post.signed(&secret, from.now_ms)
}

fn beyond(from: Material<'_>, dice: &mut Dice) -> u64 {
    let more = if dice.once_in(2) { 0 } else { dice.roll(TEN_YEARS_MS) };
    WINDOW_MS + 1 + from.slack_ms + more
}

fn at(post: Post, from: Material<'_>, moment_ms: u64) -> Option<Post> {
    (post.scheme == Scheme::V3).then(|| post.signed(from.app.secret, moment_ms))
}

/// The texts that a scheme covers, the signature first.
fn covered(post: &mut Post) -> Vec<&mut Vec<u8>> {
    let scheme = post.scheme;
    let Post { headers, body, .. } = post;
    let mut all = vec![body];
    let names: &[&str] = match scheme {
        Scheme::V1 | Scheme::V2 => &[sign::SIGNATURE],
        Scheme::V3 => &[sign::SIGNATURE_V3, sign::TIMESTAMP],
    };
    all.extend(headers.iter_mut().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value));
    all
}

fn flipped(mut post: Post, dice: &mut Dice) -> Option<Post> {
    let flip = |byte: &mut u8, dice: &mut Dice| *byte ^= 1 << dice.roll(8);
    let visible = |text: &[u8]| text.iter().all(u8::is_ascii_graphic);
    if post.scheme != Scheme::V1 && dice.once_in(3) {
        let part = dice.roll(3);
        let text = [&mut post.method, &mut post.base, &mut post.target].into_iter().nth(usize::try_from(part).ok()?)?;
        let mut bytes = text.clone().into_bytes();
        let place = dice.place(bytes.len());
        flip(bytes.get_mut(place)?, dice);
        *text = String::from_utf8(bytes).ok().filter(|text| visible(text.as_bytes()))?;
        return Some(post);
    }
    let mut parts = covered(&mut post);
    let chosen = dice.place(parts.len());
    let part = parts.get_mut(chosen)?;
    let place = dice.place(part.len());
    flip(part.get_mut(place)?, dice);
    // A header that is no text cannot be sent at all.
    (chosen == 0 || visible(part)).then_some(())?;
    Some(post)
}

fn truncated(mut post: Post, dice: &mut Dice) -> Option<Post> {
    if post.scheme != Scheme::V1 && dice.once_in(4) {
        // The path stays: another one is nobody's.
        let (path, query) = post.target.split_once('?')?;
        let cut = query.get(..dice.place(query.len()))?;
        post.target = if dice.once_in(2) { path.to_owned() } else { format!("{path}?{cut}") };
        return Some(post);
    }
    let mut parts = covered(&mut post);
    let chosen = dice.place(parts.len());
    let part = parts.get_mut(chosen)?;
    let place = dice.place(part.len());
    part.truncate(place);
    Some(post)
}

fn lengthened(mut post: Post, dice: &mut Dice) -> Post {
    let body = &mut post.body;
    match dice.roll(6) {
        0 => body.push(b' '),
        1 => body.push(b'\n'),
        2 => body.push(0),
        3 => body.extend(body.clone()),
        4 => body.splice(0..0, *b"\r\n").for_each(drop),
        _ => {
            let more = 1 + dice.place(20_000);
            body.resize(body.len() + more, b' ');
        }
    }
    post
}

fn wrongly_encoded(mut post: Post, from: Material<'_>, dice: &mut Dice) -> Option<Post> {
    match (post.scheme, dice.roll(3)) {
        (_, 0) => {
            post.body = other_encoding(&post.body, dice)?;
            Some(post)
        }
        (Scheme::V3, 1) => Some(odd_moment(post, from, dice)),
        (scheme, _) => {
            let name = if scheme == Scheme::V3 { sign::SIGNATURE_V3 } else { sign::SIGNATURE };
            let signature = post.header(name)?;
            *signature = other_spelling(scheme, &String::from_utf8(signature.clone()).ok()?, dice)?.into_bytes();
            Some(post)
        }
    }
}

fn other_encoding(body: &[u8], dice: &mut Dice) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    Some(match dice.roll(5) {
        0 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        1 => text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect(),
        2 => ["\u{feff}".as_bytes(), body].concat(),
        3 => sign::base64(body).into_bytes(),
        _ => text.replace('"', "%22").into_bytes(),
    })
}

fn other_spelling(scheme: Scheme, signature: &str, dice: &mut Dice) -> Option<String> {
    let raw = match scheme {
        Scheme::V3 => STANDARD.decode(signature).ok()?,
        Scheme::V1 | Scheme::V2 => {
            let digits = signature.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
            digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?
        }
    };
    let spellings = [
        if scheme == Scheme::V3 { sign::hex(&raw) } else { sign::base64(&raw) },
        signature.to_ascii_uppercase(),
        format!("sha256={signature}"),
        format!("\"{signature}\""),
        sign::base64(signature.as_bytes()),
        signature.trim_end_matches('=').to_owned(),
        signature.replace('+', "-").replace('/', "_"),
        format!("{signature}="),
        format!("{signature},{signature}"),
        signature.replace('=', "%3D"),
    ];
    Some(dice.pick(&spellings).clone())
}

/// A moment that means the present, in a spelling that is none of HubSpot's, and signed as it stands.
fn odd_moment(post: Post, from: Material<'_>, dice: &mut Dice) -> Post {
    let now = from.now_ms;
    let spellings = [
        (now / 1_000).to_string(),
        format!("{now}000"),
        format!("+{now}"),
        format!("-{now}"),
        format!("{now}.0"),
        format!("{now}ms"),
        format!("{now:#x}"),
        "1.767225605e12".to_owned(),
        format!("\"{now}\""),
        "NaN".to_owned(),
        "Infinity".to_owned(),
        "2026-01-01T00:00:05Z".to_owned(),
        String::new(),
        "18446744073709551617".to_owned(),
        // Eastern digits are digits to some parsers.
        "\u{661}\u{667}\u{666}\u{667}".to_owned(),
    ];
    let moment = dice.pick(&spellings).clone();
    let signature = sign::v3(from.app.secret, &post.method, &post.url(), &post.body, &moment);
    with_signature(post, signature, moment)
}

fn with_signature(mut post: Post, signature: String, moment: String) -> Post {
    for (name, value) in [(sign::SIGNATURE_V3, signature), (sign::TIMESTAMP, moment)] {
        if let Some(place) = post.header(name) {
            *place = value.into_bytes();
        }
    }
    post
}

fn reserialised(mut post: Post, dice: &mut Dice) -> Option<Post> {
    let value: Value = serde_json::from_slice(&post.body).ok()?;
    let text = match dice.roll(3) {
        0 => value.to_string(),
        1 => serde_json::to_string_pretty(&value).ok()?,
        _ => events::escaped(&value.to_string()),
    };
    post.body = text.into_bytes();
    Some(post)
}

fn downgraded(post: &Post, from: Material<'_>, dice: &mut Dice) -> Option<Post> {
    let weaker = match (post.scheme, dice.roll(2)) {
        (Scheme::V1, _) => return None,
        (Scheme::V2, _) | (Scheme::V3, 0) => Scheme::V1,
        (Scheme::V3, _) => Scheme::V2,
    };
    let kept: Vec<_> =
        post.headers.iter().filter(|(name, _)| name.ends_with("v3") || name.contains("timestamp")).cloned().collect();
    let mut weak = Post { scheme: weaker, ..post.clone() }.signed(from.app.secret, from.now_ms);
    match (post.scheme, dice.roll(4)) {
        // Half of the stronger one stays, or all of it and wrong.
        (Scheme::V3, 0) => weak.headers.push(dice.pick(&kept).clone()),
        (Scheme::V3, 1) => {
            weak.headers.push((sign::SIGNATURE_V3.to_owned(), b"AAAA".to_vec()));
            weak.headers.push((sign::TIMESTAMP.to_owned(), from.now_ms.to_string().into_bytes()));
        }
        (_, 2) => weak.headers.retain(|(name, _)| name != sign::VERSION),
        _ => {}
    }
    Some(Post { scheme: post.scheme, ..weak })
}

fn header_gone(mut post: Post, dice: &mut Dice) -> Option<Post> {
    let names: &[&str] = match post.scheme {
        // Deliveries of 2019 name no version.
        Scheme::V1 => &[sign::SIGNATURE],
        Scheme::V2 => &[sign::SIGNATURE, sign::VERSION],
        Scheme::V3 => &[sign::SIGNATURE_V3, sign::TIMESTAMP],
    };
    let name = *dice.pick(names);
    match dice.roll(3) {
        0 => post.header(name)?.clear(),
        1 => post.headers.retain(|(own, _)| own != name),
        _ => post.headers.retain(|(own, _)| !names.contains(&own.as_str())),
    }
    Some(post)
}

fn header_twice(mut post: Post, dice: &mut Dice) -> Post {
    let signing: Vec<_> =
        post.headers.iter().filter(|(name, _)| sign::HEADERS.contains(&name.as_str())).cloned().collect();
    let (name, value) = dice.pick(&signing).clone();
    let again = if dice.once_in(2) { value } else { b"1".to_vec() };
    let place = dice.place(post.headers.len() + 1);
    post.headers.insert(place, (name, again));
    post
}

fn moved(mut post: Post, dice: &mut Dice) -> Post {
    let another_app = post.scheme == Scheme::V1 || dice.once_in(4);
    if another_app {
        let apps = [7_007, 7_008, 7_009, 7_010, 1, u64::from(u32::MAX)];
        let to = *dice.pick(&apps);
        post.target = post.target.replace(&format!("/{}", post.app), &format!("/{to}"));
        post.app = to;
        return post;
    }
    match dice.roll(6) {
        0 => post.base = post.base.replace("http://", "https://"),
        1 => "http://evil.test".clone_into(&mut post.base),
        2 => post.base.push_str(".evil.test"),
        3 => post.target.push_str(if post.target.contains('?') { "&x=1" } else { "?x=1" }),
        4 => post.target.push('?'),
        _ => post.target = post.target.split('?').next().unwrap_or_default().to_owned(),
    }
    post
}

fn misbuilt(mut post: Post, from: Material<'_>, dice: &mut Dice) -> Option<Post> {
    let (secret, method, url, body) = (from.app.secret, post.method.clone(), post.url(), post.body.clone());
    let [key, verb, address] = [secret.as_bytes(), method.as_bytes(), url.as_bytes()];
    if post.scheme == Scheme::V3 {
        let moment = String::from_utf8(post.header(sign::TIMESTAMP)?.clone()).ok()?;
        let decoded = sign::decoded(&url);
        let (right, at) = (decoded.as_bytes(), moment.as_bytes());
        let recipes = [
            sign::base64(&sign::digest(&[key, verb, right, &body, at])),
            sign::base64(&sign::digest(&[verb, right, &body, at])),
            sign::hmac(secret, &[at, verb, right, &body]),
            sign::hmac(secret, &[verb, right, at, &body]),
            sign::hmac(secret, &[verb, right, &body]),
            sign::hmac(secret, &[&body, at]),
            sign::hmac(secret, &[right, &body, at]),
            sign::hmac(secret, &[b"post", right, &body, at]),
            sign::hmac(&moment, &[verb, right, &body, key]),
            // As it stands on the wire, which differs where something is to be decoded.
            sign::hmac(secret, &[verb, address, &body, at]),
        ];
        let signature = dice.pick(&recipes).clone();
        return Some(with_signature(post, signature, moment));
    }
    let hex = |parts: &[&[u8]]| sign::hex(&sign::digest(parts));
    let recipes = [
        hex(&[&body, key]),
        hex(&[key, b"\n", &body]),
        hex(&[&body]),
        hex(&[key]),
        hex(&[key, &body, &body]),
        hex(&[key, address, verb, &body]),
        hex(&[key, verb, &body]),
        sign::hmac(secret, &[verb, address, &body]),
        sign::hmac(secret, &[&body]),
    ];
    *post.header(sign::SIGNATURE)? = dice.pick(&recipes).clone().into_bytes();
    Some(post)
}
