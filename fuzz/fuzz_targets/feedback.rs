//! Headers of any content, read by every rule.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| networkpype_throttle::__fuzz::feedback(bytes));
