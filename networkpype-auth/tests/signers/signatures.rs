use networkpype_auth::{DigestEncoding, SignatureAlgorithm, SigningKey};

use crate::vectors::{ALGORITHMS, der_of, pem_for, pem_key, shared_key, verifies};

const MESSAGE: &[u8] = b"1700000000000GET/api/v1/account";

#[test]
fn every_algorithm_signs_what_its_verifier_takes() {
    for (algorithm, fixed, der) in ALGORITHMS {
        let key = pem_key(algorithm, &pem_for(algorithm));
        assert_eq!(key.algorithm(), algorithm);
        for message in [MESSAGE, b"", &[0xff; 5_000]] {
            let signature = key.sign(message).expect("signed");
            assert!(verifies(fixed, key.public_key(), message, &signature), "{algorithm:?}");
            assert!(!verifies(fixed, key.public_key(), b"another", &signature), "{algorithm:?}");
            let signature = key.sign_der(message).expect("signed");
            assert!(verifies(der, key.public_key(), message, &signature), "{algorithm:?} in DER");
        }
    }
}

#[test]
fn a_fixed_signature_has_one_length() {
    // One in 128 has a short `r` or `s`, which has to be filled up.
    for (algorithm, length) in [
        (SignatureAlgorithm::EcdsaP256Sha256, 64),
        (SignatureAlgorithm::EcdsaP384Sha384, 96),
        (SignatureAlgorithm::EcdsaP521Sha512, 132),
        (SignatureAlgorithm::EcdsaSecp256k1Sha256, 64),
    ] {
        let key = pem_key(algorithm, &pem_for(algorithm));
        for _ in 0..1_000 {
            assert_eq!(key.sign(MESSAGE).expect("signed").len(), length, "{algorithm:?}");
        }
    }
}

#[test]
fn the_public_key_is_the_one_that_was_published_with_the_private_one() {
    for (algorithm, name) in [
        (SignatureAlgorithm::Ed25519, "ed25519_public_pem"),
        (SignatureAlgorithm::RsaPkcs1Sha256, "rsa2048_public_pem"),
        (SignatureAlgorithm::EcdsaP256Sha256, "p256_public_pem"),
    ] {
        let key = pem_key(algorithm, &pem_for(algorithm));
        let info = der_of(&shared_key(name));
        assert!(info.ends_with(key.public_key()), "{name}");
    }
    let key = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    assert_eq!(DigestEncoding::Base58.encode(key.public_key()), shared_key("ed25519_pub_base58"));
}

#[test]
fn a_key_is_shared_by_tasks_and_not_printed() {
    fn shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    let key = pem_key(SignatureAlgorithm::Ed25519, &pem_for(SignatureAlgorithm::Ed25519));
    shared(&key);
    assert_eq!(size_of::<SigningKey>(), size_of::<usize>());
    assert_eq!(format!("{key:?}"), "SigningKey { algorithm: Ed25519, .. }");
    assert_eq!(key.clone().sign(MESSAGE).expect("signed"), key.sign(MESSAGE).expect("signed"));
}

#[test]
fn algorithms_are_named_as_they_are_read() {
    for (algorithm, ..) in ALGORITHMS {
        assert_eq!(algorithm.as_str().parse::<SignatureAlgorithm>().expect("a name"), algorithm);
    }
    for name in [
        "ed25519",
        "rsa-pkcs1-sha256",
        "rsa-pss-sha512",
        "ecdsa-p521-sha512",
        "ecdsa-secp256k1-sha256",
    ] {
        assert_eq!(name.parse::<SignatureAlgorithm>().expect("a name").as_str(), name);
    }
}
