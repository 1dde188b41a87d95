//! The configs that `bnes init` starts from.

/// A config to start from.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// The config, with comments.
    pub text: &'static str,
    /// Whether it repeats a published experiment, on the data of that.
    pub is_of_a_paper: bool,
}

macro_rules! templates {
    ($($name:literal: $about:literal, $file:literal, paper $is_of_a_paper:literal;)+) => {
        /// All of them.
        pub const TEMPLATES: &[Template] = &[$(Template {
            name: $name,
            about: $about,
            text: include_str!(concat!("../../configs/", $file)),
            is_of_a_paper: $is_of_a_paper,
        },)+];
    };
}

templates! {
    "classification": "a table with classes", "templates/classification.toml", paper false;
    "regression": "a table with a number to predict", "templates/regression.toml", paper false;
    "images": "images, built in or as IDX files", "templates/images.toml", paper false;
    "sweep": "many combinations", "templates/sweep.toml", paper false;
    "tuning": "a learning rate for each arm", "templates/tuning.toml", paper false;
    "ci": "a small sweep that a gate judges", "templates/ci.toml", paper false;
    "ioffe2015_digits": "Ioffe & Szegedy 2015, figure 1, on digits", "papers/ioffe2015_digits.toml", paper true;
    "ioffe2015_digits_norms": "the same with other norms", "papers/ioffe2015_digits_norms.toml", paper true;
    "ioffe2015_mnist": "Ioffe & Szegedy 2015, figure 1, on MNIST", "papers/ioffe2015_mnist.toml", paper true;
    "ioffe2015_mnist_norms": "the same with other norms", "papers/ioffe2015_mnist_norms.toml", paper true;
    "ioffe2015_mnist_one_rate": "the same at one learning rate", "papers/ioffe2015_mnist_one_rate.toml", paper true;
    "hoffer2017": "Hoffer et al. 2017, large batches and ghost batches", "papers/hoffer2017.toml", paper true;
    "batch_size": "norms by batch size", "papers/batch_size.toml", paper true;
    "batch_size_ghost": "ghost batches by batch size", "papers/batch_size_ghost.toml", paper true;
    "prechelt1998": "Prechelt 1998, fourteen stopping rules", "papers/prechelt1998.toml", paper true;
    "prechelt1994_cancer1": "PROBEN1, cancer1", "papers/prechelt1994_cancer1.toml", paper true;
    "prechelt1994_diabetes1": "PROBEN1, diabetes1", "papers/prechelt1994_diabetes1.toml", paper true;
    "prechelt1994_heart1": "PROBEN1, heart1", "papers/prechelt1994_heart1.toml", paper true;
    "mahsereci2017_logistic": "Mahsereci et al. 2017, logistic regression", "papers/mahsereci2017_logistic.toml", paper true;
    "mahsereci2017_least_squares": "Mahsereci et al. 2017, least squares", "papers/mahsereci2017_least_squares.toml", paper true;
}

/// The one of that name.
pub(super) fn template(name: &str) -> Option<Template> {
    TEMPLATES.iter().find(|template| template.name == name).copied()
}

/// All names with what they are for, a line each.
pub(super) fn list() -> String {
    let widest = TEMPLATES.iter().map(|template| template.name.len()).max().unwrap_or(0);
    let lines = TEMPLATES.iter().map(|one| format!("\n  {:widest$}  {}", one.name, one.about));
    lines.collect()
}
