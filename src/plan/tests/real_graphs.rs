//! Public systems (tests/data/graphs), with every contract moving from 1 to 1 and 2.
