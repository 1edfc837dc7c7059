use std::time::Duration;

use networkpype_core::{Charge, LimitId};
use networkpype_throttle::RateLimit;

use crate::server::Server;

fn cluster_node(name: &str) -> Option<Server> {
    let file = format!("{}/cluster-{name}.conf", env!("CARGO_TARGET_TMPDIR"));
    let _ = std::fs::remove_file(&file);
    Server::start_with(&["--cluster-enabled", "yes", "--cluster-config-file", &file])
}

async fn until_ok(server: &Server) {
    for _ in 0..500 {
        if server.run::<String>("CLUSTER INFO").await.contains("cluster_state:ok") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the cluster did not form");
}

/// Grants, books, claims, reports and stops: every script, with links. `keeper` is the node that has the keys.
async fn exercise(server: &Server, keeper: &Server) {
    let limits = [
        RateLimit::new("a", 2, Duration::from_millis(200)).linked("b", 1),
        RateLimit::new("b", 9, Duration::from_secs(9)),
    ];
    let builder = server.throttler().limits(limits).max_ahead(Duration::from_secs(60));
    let throttler = builder.build().unwrap();
    for _ in 0..4 {
        let mut permit = throttler.execute_task("a").await.unwrap();
        permit.top_up(1);
    }
    drop(throttler.try_acquire_now(&Charge::new(&LimitId::new("b"))).await.unwrap());
    // Long enough that nothing goes by itself.
    throttler.pause(&["a".into()], Duration::from_secs(50)).await.unwrap();
    let quitter = {
        let throttler = throttler.clone();
        tokio::spawn(async move { throttler.execute_task("a").await })
    };
    keeper.until_waiting("a", 1).await;
    quitter.abort();
    keeper.until_waiting("a", 0).await;
    for _ in 0..500 {
        if throttler.usage("b").await.unwrap().unwrap().used == 4 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", throttler.usage("b").await);
}

#[tokio::test]
async fn every_key_is_declared_and_in_one_slot_so_that_a_cluster_takes_the_scripts() {
    let Some(server) = cluster_node("alone") else { return };
    server.run::<String>("CLUSTER ADDSLOTSRANGE 0 16383").await;
    until_ok(&server).await;
    exercise(&server, &server).await;
    let keys: Vec<String> = server.run("KEYS *").await;
    for key in keys {
        assert_eq!(
            server.run::<i64>(&format!("CLUSTER KEYSLOT {key}")).await,
            server.run::<i64>("CLUSTER KEYSLOT test").await
        );
    }
}

#[tokio::test]
async fn the_node_that_has_the_keys_is_found_from_another_one() {
    let (Some(first), Some(second)) = (cluster_node("first"), cluster_node("second")) else {
        return;
    };
    let slot: i64 = first.run("CLUSTER KEYSLOT test").await;
    let (with, without) = if slot < 8_192 { (&first, &second) } else { (&second, &first) };
    first.run::<String>("CLUSTER ADDSLOTSRANGE 0 8191").await;
    second.run::<String>("CLUSTER ADDSLOTSRANGE 8192 16383").await;
    first.run::<String>("CLUSTER SET-CONFIG-EPOCH 1").await;
    second.run::<String>("CLUSTER SET-CONFIG-EPOCH 2").await;
    first.run::<String>(&format!("CLUSTER MEET 127.0.0.1 {}", second.port)).await;
    until_ok(&first).await;
    until_ok(&second).await;
    exercise(without, with).await;
    assert!(with.run::<i64>("DBSIZE").await > 0);
    assert_eq!(without.run::<i64>("DBSIZE").await, 0);
}
