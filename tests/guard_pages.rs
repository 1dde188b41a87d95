//! Nothing is read or written beyond its end: every larger allocation of this process ends right at
//! a page that may not be touched, and engines are trained over random shapes.
//!
//! valgrind does not know AVX-512; a page does not ask by what instruction it is touched.

#![allow(clippy::unwrap_used)] // a test
#![allow(unsafe_code)] // an allocator

use std::alloc::{GlobalAlloc, Layout, System};
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::ptr;
use std::sync::Arc;

use bnes::config::model::{Activation, BatchNorm, EpsPlacement, ModelConfig, Norm, Placement};
use bnes::config::training::{
    Adam, ClassWeights, Loss, Optimizer, RmsProp, Rprop, Sgd, TrainingConfig,
};
use bnes::data::{Dataset, Inputs, RowChunks, Splits, Targets};
use bnes::kinds::NoSettings;
use bnes::nn::{Engine, FusedEngine, Isa, Network};
use bnes::seed::{Seed, Stream};
use bnes_kernels::buffer::Buffer;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Allocations of fewer bytes, with no wish for a cache line, are left to the system.
const LARGE: usize = 256;
const PAGE: usize = 4096;

struct Guarded;

#[global_allocator]
static ALLOCATOR: Guarded = Guarded;

/// Bytes of an allocation, up to its alignment, and of the pages that hold it; `None` where the
/// system is to do it.
fn guarded(layout: Layout) -> Option<(usize, usize)> {
    if layout.size() < LARGE && layout.align() < 64 || layout.align() > PAGE {
        return None;
    }
    let bytes = layout.size().next_multiple_of(layout.align());
    Some((bytes, bytes.next_multiple_of(PAGE)))
}

// SAFETY: blocks are those of the system, or end where their last page does; both are as large and
// as aligned as asked for, and are given back to where they came from.
unsafe impl GlobalAlloc for Guarded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((bytes, pages)) = guarded(layout) else {
            // SAFETY: the caller's promise.
            return unsafe { System.alloc(layout) };
        };
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: new pages, the last of which nobody knows of.
        unsafe {
            let Ok(start) = mmap_anonymous(ptr::null_mut(), pages + PAGE, prot, flags) else {
                return ptr::null_mut();
            };
            if mprotect(start.byte_add(pages), PAGE, MprotectFlags::empty()).is_err() {
                return ptr::null_mut();
            }
            start.byte_add(pages - bytes).cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some((bytes, pages)) = guarded(layout) else {
            // SAFETY: the caller's promise; the layout says that it is the system's.
            return unsafe { System.dealloc(block, layout) };
        };
        // SAFETY: the pages of `alloc`. Where they cannot be unmapped, they stay.
        let _ = unsafe { munmap(block.byte_sub(pages - bytes).cast(), pages + PAGE) };
    }
}

/// Set for the process that is to die.
const DEED: &str = "BNES_TEST_OVERRUN";

/// The number of the signal of a touched guard page, on Linux.
const SIGSEGV: i32 = 11;

#[test]
fn a_read_or_a_write_right_beyond_a_buffer_or_a_vector_ends_the_process() {
    const NAME: &str = "a_read_or_a_write_right_beyond_a_buffer_or_a_vector_ends_the_process";
    if let Some(deed) = std::env::var_os(DEED) {
        let mut buffer = Buffer::zeros(96);
        let mut vector = vec![0_u8; 999];
        let beyond_buffer = buffer.as_mut_ptr().wrapping_add(96);
        let beyond_vector = vector.as_mut_ptr().wrapping_add(999);
        // SAFETY: none; the page there must not be touched, which ends this process.
        unsafe {
            match deed.to_str() {
                Some("read a buffer") => drop(ptr::read_volatile(beyond_buffer)),
                Some("write a buffer") => ptr::write_volatile(beyond_buffer, 1.0),
                Some("read a vector") => drop(ptr::read_volatile(beyond_vector)),
                Some("write a vector") => ptr::write_volatile(beyond_vector, 1),
                _ => {}
            }
        }
        return;
    }
    let deed = |deed: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([NAME, "--exact"]).env(DEED, deed).output().unwrap().status
    };
    for overrun in ["read a buffer", "write a buffer", "read a vector", "write a vector"] {
        assert_eq!(deed(overrun).signal(), Some(SIGSEGV), "{overrun}");
    }
    assert!(deed("nothing").success());
}

fn one_of<T: Clone>(stream: &mut Stream, all: &[T]) -> T {
    all[usize::try_from(stream.below(all.len() as u64)).unwrap()].clone()
}

const WIDTHS: [usize; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100];
const ROWS: usize = 300;

#[allow(clippy::cast_possible_truncation)] // inputs are f32 and bytes
fn data(stream: &mut Stream, loss: Loss, outputs: usize) -> Dataset {
    let width = one_of(stream, &WIDTHS);
    let inputs = if stream.below(2) == 0 {
        let values: Vec<f32> = (0..ROWS * width).map(|_| stream.normal() as f32).collect();
        Inputs::Table(RowChunks::of_rows(&values, width))
    } else {
        let bytes = Arc::new((0..ROWS * width).map(|_| stream.below(256) as u8).collect());
        Inputs::Images { bytes, width, scale: 0.01, shift: -1.0 }
    };
    let targets = if loss == Loss::Mse {
        Targets::Values {
            values: (0..ROWS * outputs).map(|_| stream.normal() as f32).collect(),
            names: (0..outputs).map(|output| output.to_string()).collect(),
            mean: vec![0.0; outputs],
            sd: vec![1.0; outputs],
        }
    } else {
        let classes = outputs.max(2);
        Targets::Classes {
            labels: (0..ROWS).map(|_| stream.below(classes as u64) as u32).collect(),
            names: (0..classes).map(|class| class.to_string()).collect(),
        }
    };
    let [train, validation, test, train_evaluated] = [const { Vec::new() }; 4];
    Dataset {
        inputs,
        targets,
        splits: Splits { train, validation, test, train_evaluated },
        preprocessing: serde_json::Value::Null,
        summary: String::new(),
        doubts: Vec::new(),
        digest: String::new(),
    }
}

#[test]
fn a_training_touches_nothing_beyond_its_buffers_whatever_its_shape() {
    let mut stream = Seed(1).stream("guard pages", 0);
    let norm = |placement| Norm::Batch(BatchNorm { placement, ..BatchNorm::default() });
    let mut norms = vec![
        Norm::None(NoSettings {}),
        norm(Placement::BeforeActivation),
        norm(Placement::AfterActivation),
        Norm::Batch(BatchNorm {
            affine: false,
            eps_placement: EpsPlacement::Std,
            ..BatchNorm::default()
        }),
    ];
    for kind in Norm::KINDS.iter().filter(|kind| !["none", "batch"].contains(kind)) {
        for placement in ["before_activation", "after_activation"] {
            let table = serde_json::json!({
                "kind": kind, "placement": placement, "groups": 3, "ghost_size": 5, "warmup": 0.0
            });
            norms.push(serde_json::from_value(table).unwrap());
        }
    }
    let optimizers = [
        Optimizer::Adam(Adam::default()),
        Optimizer::Sgd(Sgd::default()),
        Optimizer::Sgd(Sgd { momentum: 0.9, ..Sgd::default() }),
        Optimizer::Rprop(Rprop::default()),
        Optimizer::RmsProp(RmsProp::default()),
        Optimizer::AdamW(Adam { weight_decay: 0.1, ..Adam::default() }),
    ];
    for _ in 0..300 {
        let (loss, outputs) = match stream.below(3) {
            0 => (Loss::Bce, 1),
            1 => (Loss::Mse, one_of(&mut stream, &WIDTHS)),
            _ => (Loss::CrossEntropy, one_of(&mut stream, &[2, 10, 16, 33, 300])),
        };
        let depth = stream.below(4);
        let norm = one_of(&mut stream, &norms);
        // Groups have to divide a layer.
        let groups = if norm.kind() == "group" { 3 } else { 1 };
        let widths = (0..depth).map(|_| one_of(&mut stream, &WIDTHS));
        let model = ModelConfig {
            hidden: widths.map(|units| units.next_multiple_of(groups)).collect(),
            activation: one_of(&mut stream, &Activation::ALL),
            dropout: one_of(&mut stream, &[0.0, 0.3]),
            norm: norm.into(),
            ..ModelConfig::default()
        };
        let training = TrainingConfig {
            optimizer: one_of(&mut stream, &optimizers),
            clip_norm: one_of(&mut stream, &[None, Some(0.1)]),
            class_weights: match loss {
                Loss::Mse => None,
                _ => one_of(&mut stream, &[None, Some(ClassWeights::Balanced)]),
            },
            ..TrainingConfig::default()
        };
        let data = Arc::new(data(&mut stream, loss, outputs));
        // The last rows of the data stand right before the page.
        let last: Vec<u32> = (0..u32::try_from(ROWS).unwrap()).rev().collect();
        let mut sizes: Vec<usize> = (0..3).map(|_| one_of(&mut stream, &WIDTHS)).collect();
        // Sums of several runs.
        sizes.extend(one_of(&mut stream, &[None, Some(ROWS)]));
        let (model, training, data) = (&model, &training, &data);
        let network = Network { model, training, loss, outputs, data, seed: Seed(1) };
        let threads = one_of(&mut stream, &[1, 2, 3]);
        for isa in Isa::available() {
            let mut engine = FusedEngine::with_isa(&network, threads, isa).unwrap();
            for size in &sizes {
                engine.train_batch(&last[..*size], 1.0).unwrap();
            }
            engine.recalibrate(&[&last[..sizes[0]], &last[..1]], &|| true).unwrap();
            let outputs_of = engine.evaluate(&last).unwrap();
            assert_eq!(outputs_of.len(), ROWS * outputs);
            let state = engine.training_state().unwrap();
            engine.load_training(&state).unwrap();
        }
    }
}
