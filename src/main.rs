//! The `bnes` command.

fn main() {}
