//! The kernel of each activation.

use bnes_kernels::Activation as Kernel;

use crate::config::model::Activation;

/// The kernel of an activation.
pub fn kernel_of(activation: Activation) -> Kernel {
    match activation {
        Activation::Identity => Kernel::Identity,
        Activation::Relu => Kernel::Relu,
        Activation::LeakyRelu => Kernel::LeakyRelu,
        Activation::Sigmoid => Kernel::Sigmoid,
        Activation::Tanh => Kernel::Tanh,
        Activation::Softsign => Kernel::Softsign,
        Activation::Gelu => Kernel::Gelu,
        Activation::Silu => Kernel::Silu,
        Activation::Elu => Kernel::Elu,
        Activation::Selu => Kernel::Selu,
    }
}
