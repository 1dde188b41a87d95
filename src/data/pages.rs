//! Pages of memory.

/// Has memory that the whole process first touches while this lives come in small pages, where the
/// system would give huge ones.
pub(super) struct SmallPages {
    #[cfg(target_os = "linux")]
    were_disabled: bool,
}

#[cfg(target_os = "linux")]
impl SmallPages {
    pub fn new() -> Self {
        use rustix::thread::{disable_transparent_huge_pages, transparent_huge_pages_are_disabled};
        let were_disabled = transparent_huge_pages_are_disabled().unwrap_or(true);
        if !were_disabled {
            // Where it is refused, more memory is used.
            let _ = disable_transparent_huge_pages(true);
        }
        Self { were_disabled }
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallPages {
    fn drop(&mut self) {
        if !self.were_disabled {
            let _ = rustix::thread::disable_transparent_huge_pages(false);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl SmallPages {
    pub fn new() -> Self {
        Self {}
    }
}
