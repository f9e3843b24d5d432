//! Mocks of services by mockall, whose attribute stands below that of the framework.

use std::{future::ready, sync::Arc};

use futures_util::{Stream, stream};
use rpc_core::{Context, service};

#[service]
#[mockall::automock]
pub trait Weather {
    /// How warm it is.
    async fn degrees(&self, city: String) -> i8;
    /// How warm it is where the caller says in metadata that it is.
    async fn here(&self, cx: &Context) -> Result<i8, String>;
}

/// A service that a mock is not made of: what it returns is of a type without a name.
#[service]
pub trait Forecast {
    /// The days to come.
    fn days(&self) -> impl Stream<Item = i8>;
}

struct Eternal;

impl Forecast for Eternal {
    fn days(&self) -> impl Stream<Item = i8> {
        stream::iter([25, 25])
    }
}

#[tokio::test]
async fn a_mock_is_served_and_asked_what_it_has_seen() {
    let mut mock = MockWeather::new();
    mock.expect_degrees().withf(|city| city == "Oslo").times(2).returning(|_| Box::pin(ready(-20)));
    mock.expect_here().returning(|cx| {
        let place = cx.metadata().value("place").map(str::to_owned);
        Box::pin(ready(place.ok_or_else(|| "nowhere".to_owned()).map(|_| 7)))
    });
    let mock = Arc::new(mock);
    let weather = WeatherClient::in_memory(WeatherServer::new(Arc::clone(&mock)));
    assert_eq!(weather.degrees("Oslo").await, Ok(-20));
    assert_eq!(mock.degrees("Oslo".to_owned()).await, -20);
    assert_eq!(weather.here().metadata("place", "Rome").await, Ok(7));
    assert_eq!(weather.here().await.unwrap_err().app().map(String::as_str), Some("nowhere"));

    let forecast = ForecastClient::in_memory(ForecastServer::new(Eternal));
    assert_eq!(forecast.days().await.unwrap().next().await, Some(Ok(25)));
}
