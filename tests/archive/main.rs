//! The archive on real databases: SQLite in a file, PostgreSQL as Debian has it, both through the same facts.

#[cfg(test)]
mod belongings;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod upkeep;
