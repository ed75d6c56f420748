//! The page in a real browser: Debian's Chromium, driven over `WebDriver`, against `tidegate simulate --serve`, whose clock
//! stands still until a test cranks it. What is seen is written to `target/screenshots`.

#[cfg(test)]
mod access;
#[cfg(test)]
mod journeys;
#[cfg(test)]
mod layout;
#[cfg(test)]
mod live;
#[cfg(test)]
mod support;
