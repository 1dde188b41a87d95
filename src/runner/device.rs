//! `--device`: where tensors live.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result};
use candle_core::Device;

use crate::config::ConfigError;

/// What `--device` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first GPU where this build and this machine have one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A GPU by number.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| "expected auto, cpu, cuda or cuda:N".to_owned()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl DeviceChoice {
    /// Refuses a device that this build can use on no machine.
    ///
    /// # Errors
    /// Where a GPU is asked for and this build has no CUDA.
    pub fn check_build(self) -> Result<(), ConfigError> {
        match self {
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(ConfigError::new(
                "this build of bnes has no CUDA: build it with `--features cuda`, or use \
                 --device cpu",
            )),
            _ => Ok(()),
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    /// Where a GPU is asked for and there is none, or this build cannot use one.
    pub fn open(self) -> Result<Device> {
        self.check_build()?;
        match self {
            Self::Cpu => Ok(Device::Cpu),
            // A CUDA build on a machine without a GPU gives an error here, not the CPU.
            Self::Auto => Ok(Device::cuda_if_available(0).unwrap_or(Device::Cpu)),
            Self::Cuda(number) => Device::new_cuda(number)
                .map_err(|error| explained(error.into()))
                .with_context(|| format!("cuda:{number} cannot be used: try --device cpu")),
        }
    }
}

/// What the errors of the CUDA driver mean for whoever runs a training, and what to do.
const CUDA_ERRORS: [(&str, &str); 6] = [
    ("CUDA_ERROR_OUT_OF_MEMORY", OUT_OF_MEMORY),
    ("CUBLAS_STATUS_ALLOC_FAILED", OUT_OF_MEMORY),
    ("CUDA_ERROR_NO_DEVICE", "the driver sees no NVIDIA GPU: `nvidia-smi` lists those it sees"),
    (
        "CUDA_ERROR_INVALID_DEVICE",
        "there is no GPU of this number: `nvidia-smi` lists those there are",
    ),
    ("CUDA_ERROR_STUB_LIBRARY", NO_DRIVER),
    ("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", NO_DRIVER),
];

const OUT_OF_MEMORY: &str = "the GPU has no memory left: run fewer trainings side by side (--jobs 1), lower \
                             training.batch_size or model.hidden, or use --device cpu";

const NO_DRIVER: &str =
    "the NVIDIA driver is missing or does not suit this build: `nvidia-smi` says whether it works";

/// An error with what it means before it, where it is one of the CUDA driver's that users can do something
/// about.
#[must_use]
pub fn explained(error: Error) -> Error {
    let text = format!("{error:#}");
    match CUDA_ERRORS.iter().find(|(name, _)| text.contains(name)) {
        Some((_, meaning)) => error.context(*meaning),
        None => error,
    }
}

/// The device's name in results: `cpu` or `cuda:0`.
#[must_use]
pub fn name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { gpu_id } => format!("metal:{gpu_id}"),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn an_error_of_the_driver_is_told_in_words_before_its_own_and_others_stay() {
        let told =
            |text: &str| format!("{:#}", explained(anyhow!("step 3").context(text.to_owned())));
        let of_driver = "DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")";
        let memory = told(of_driver);
        assert!(memory.starts_with("the GPU has no memory left: "), "{memory}");
        assert!(memory.contains("--jobs 1") && memory.ends_with(&format!("{of_driver}: step 3")));
        let number = told("DriverError(CUDA_ERROR_INVALID_DEVICE, \"invalid device ordinal\")");
        assert!(number.starts_with("there is no GPU of this number: "), "{number}");
        assert!(told("CUDA_ERROR_NO_DEVICE").starts_with("the driver sees no NVIDIA GPU"));
        assert!(told("CUDA_ERROR_STUB_LIBRARY").starts_with("the NVIDIA driver is missing"));
        assert_eq!(told("cannot write a/run.json"), "cannot write a/run.json: step 3");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_how_to_get_one() {
        let error = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(error.contains("--features cuda") && error.contains("--device cpu"), "{error}");
        assert!(matches!(DeviceChoice::Auto.open(), Ok(Device::Cpu)));
    }
}
