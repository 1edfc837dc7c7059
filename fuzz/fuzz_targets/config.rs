//! Documents of any content; what is accepted must survive being written and read again.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| networkpype_throttle::__fuzz::config(text));
