#[tokio::test]
#[ignore = "dev"]
async fn dev_serve() {
    let running = super::services::server().start("127.0.0.1:7411").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    running.shutdown().await;
}
