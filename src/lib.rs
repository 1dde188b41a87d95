//! bnes settles what Batch Normalization and Early Stopping do to a network on its data.

pub mod check;
pub mod checksum;
pub mod cli;
pub mod compare;
pub mod config;
pub mod console;
pub mod data;
pub mod draw;
pub mod event;
pub mod history;
pub mod kinds;
pub mod logs;
pub mod metrics;
pub mod names;
pub mod nn;
pub mod observers;
pub mod replay;
pub mod report;
pub mod results;
pub mod runner;
pub mod seed;
pub mod stats;
pub mod stopping;
pub mod storage;
pub mod text;
pub mod train;
