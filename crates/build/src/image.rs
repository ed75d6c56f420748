//! Names of images, as far as builds need them.

/// How a digest begins.
const ALGORITHM: &str = "sha256:";
/// How many digits follow.
const DIGITS: usize = 64;

/// Whether a text is a digest and nothing else: what a build gives back is data, whatever it says.
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix(ALGORITHM).is_some_and(|digits| {
        digits.len() == DIGITS
            && digits
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// The image without its tag and digest.
pub fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    // A `:` before the last `/` is a port.
    let name_at = image.rfind('/').map_or(0, |at| at + 1);
    let tag_at = image.get(name_at..).and_then(|name| name.find(':'));
    let end = tag_at.map_or(image.len(), |at| name_at + at);
    image.get(..end).unwrap_or(image)
}

/// The image by its digest; without a tag, so that a tag that changes alone starts no pod anew.
pub fn pinned(repository: &str, digest: &str) -> String {
    format!("{repository}@{digest}")
}
