//! The program as its users meet it, in one binary: linking one is most of what a test file costs.

#![allow(clippy::unwrap_used)] // tests

mod common;

mod again;
mod bad_data;
mod bad_input;
mod check;
mod circles;
#[cfg(target_os = "linux")]
mod clean;
mod compare;
mod completions;
mod config_errors;
mod correct;
#[cfg(target_os = "linux")]
mod damage;
mod describe;
mod docs;
mod doubts;
mod export;
mod fetch;
#[cfg(target_os = "linux")]
mod floors;
mod formats;
#[cfg(target_os = "linux")]
mod fresh;
mod gate;
mod init;
#[cfg(target_os = "linux")]
mod launch;
mod logs;
mod norms;
mod on_demand;
mod pack;
mod pages;
mod predict;
#[cfg(target_os = "linux")]
mod reliability;
mod replay;
mod report;
mod reproductions;
mod reuse;
mod run;
mod schema;
#[cfg(target_os = "linux")]
mod signals;
#[cfg(target_os = "linux")]
mod status;
#[cfg(target_os = "linux")]
mod tensorboard;
mod tune;
mod verdict;
