//! Mutants written by hand, as text: a name, a file, the lines as they are and the lines as they would be.

/// One change that a test must notice.
#[derive(Debug)]
pub(crate) struct Mutant<'t> {
    /// What it stands for, for instance `R1 a status of before the apply is believed`.
    pub(crate) name: &'t str,
    pub(crate) file: &'t str,
    pub(crate) was: String,
    pub(crate) becomes: String,
}

/// The mutants of a list: `# name`, the file, lines that begin with `-` and lines that begin with `+`.
pub(crate) fn read(list: &str) -> Vec<Mutant<'_>> {
    let blocks = list.split("\n# ").skip(1);
    blocks
        .map(|block| {
            let mut lines = block.lines();
            let mut next = || lines.next().unwrap_or_default();
            let (name, file) = (next(), next());
            let with = |sign: char| {
                let lines = block.lines().skip(2);
                let lines = lines.filter_map(|line| line.strip_prefix(sign));
                lines.collect::<Vec<_>>().join("\n")
            };
            Mutant {
                name,
                file,
                was: with('-'),
                becomes: with('+'),
            }
        })
        .collect()
}
