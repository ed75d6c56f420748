//! Fast tests of the whole: the code's own shape, the command line, the examples, generated files.

mod cli;
mod examples;
mod generated;
mod tidy;
