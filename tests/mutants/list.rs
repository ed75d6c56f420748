//! Mutants written by hand, as text: a name, and for each place the file, the lines as they are and the lines as they would be.

/// One change that a test must notice.
#[derive(Debug)]
pub(crate) struct Mutant<'t> {
    /// What it stands for, for instance `R1 a status of before the apply is believed`.
    pub(crate) name: &'t str,
    /// Mostly one.
    pub(crate) places: Vec<Place<'t>>,
}

/// What it changes in one file.
#[derive(Debug)]
pub(crate) struct Place<'t> {
    pub(crate) file: &'t str,
    pub(crate) was: String,
    pub(crate) becomes: String,
}

/// The mutants of a list: `# name`, then for each place the file, lines that begin with `-` and lines that begin with `+`.
pub(crate) fn read(list: &str) -> Vec<Mutant<'_>> {
    let blocks = list.split("\n# ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap_or((block, ""));
            Mutant {
                name,
                places: places(rest),
            }
        })
        .collect()
}

fn places(block: &str) -> Vec<Place<'_>> {
    let mut places: Vec<Place<'_>> = Vec::new();
    for line in block.lines().filter(|line| !line.is_empty()) {
        let place = places.last_mut();
        match (line.strip_prefix('-'), line.strip_prefix('+'), place) {
            (Some(was), _, Some(place)) => add(&mut place.was, was),
            (_, Some(becomes), Some(place)) => add(&mut place.becomes, becomes),
            _ => places.push(Place {
                file: line,
                was: String::new(),
                becomes: String::new(),
            }),
        }
    }
    places
}

fn add(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}
