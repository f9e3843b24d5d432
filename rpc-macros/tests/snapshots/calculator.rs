/// A pocket calculator.
pub trait Calculator: Debug + ::core::marker::Send + ::core::marker::Sync + 'static {
    /// Adds two integers.
    fn add(
        &self,
        a: i64,
        b: i64,
    ) -> impl ::core::future::Future<Output = i64> + ::core::marker::Send;
    #[deprecated]
    fn div(
        &self,
        a: f64,
        cx: &Context,
        b: f64,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<f64, MathError>,
    > + ::core::marker::Send;
    fn log(
        &self,
        cx: &Context,
        line: String,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    fn reset(&self) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
}
#[doc(hidden)]
#[allow(non_snake_case)]
mod __CalculatorService {
    ///Calls the service [`Calculator`](super::Calculator) over a connection. Clones are cheap and share the connection.
    #[allow(dead_code, unreachable_pub)]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)]
    pub struct CalculatorClient {
        pub(super) channel: ::rpc_core::__private::Channel,
    }
    ///Serves an implementation of [`Calculator`](super::Calculator): give it to a server.
    #[allow(dead_code, unreachable_pub)]
    pub struct CalculatorServer<__T> {
        pub(super) service: ::std::sync::Arc<__T>,
    }
}
#[doc(inline)]
#[allow(unused_imports, unreachable_pub)]
pub use __CalculatorService::{CalculatorClient, CalculatorServer};
#[allow(
    dead_code,
    deprecated,
    non_camel_case_types,
    non_snake_case,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::nursery
)]
const _: () = {
    #[allow(unused_imports)]
    use ::rpc_core::__private::{NotCarried as _, NotCoded as _};
    const _: fn(&String) -> &::std::string::String = |value| value;
    const _: () = {
        let __described = ::rpc_core::__private::Carried::<MathError>::DESCRIBED;
        ::rpc_core::__private::encoded(__described);
        let __encoded = ::rpc_core::__private::Carried::<MathError>::ENCODED;
        ::rpc_core::__private::decoded(__encoded);
    };
    fn __schema() -> &'static ::rpc_core::__private::ServiceSchema {
        static SCHEMA: ::std::sync::LazyLock<::rpc_core::__private::ServiceSchema> = ::std::sync::LazyLock::new(||
        {
            let mut service = ::rpc_core::__private::ServiceBuilder::new(
                "Calculator",
                "A pocket calculator.",
            );
            service
                .method(
                    "add",
                    "Adds two integers.",
                    ::rpc_core::__private::MethodKind::Unary,
                )
                .argument::<i64>("a")
                .argument::<i64>("b")
                .returns::<i64>();
            service
                .method("div", "", ::rpc_core::__private::MethodKind::Unary)
                .argument::<f64>("a")
                .argument::<f64>("b")
                .returns::<f64>()
                .fails::<MathError>()
                .deprecated("");
            service
                .method("log", "", ::rpc_core::__private::MethodKind::Oneway)
                .argument::<String>("line");
            service.method("reset", "", ::rpc_core::__private::MethodKind::Unary);
            service.build()
        });
        &SCHEMA
    }
    #[automatically_derived]
    impl ::core::convert::From<::rpc_core::__private::Channel>
    for __CalculatorService::CalculatorClient {
        fn from(channel: ::rpc_core::__private::Channel) -> Self {
            Self::new(channel)
        }
    }
    #[automatically_derived]
    impl __CalculatorService::CalculatorClient {
        /// A client over a channel that is open already.
        pub fn new(channel: ::rpc_core::__private::Channel) -> Self {
            Self { channel }
        }
        /// Connects to a server: `host:port` or `unix:/path`. Does not wait for its hello, without which
        /// calls may leave already; `channel().ready()` does.
        ///
        /// # Errors
        /// No transport could be opened to the address.
        pub async fn connect(
            address: impl ::rpc_core::__private::IntoAddress,
        ) -> ::core::result::Result<Self, ::rpc_core::__private::DialError> {
            ::core::result::Result::Ok(
                Self::new(::rpc_core::__private::Channel::connect(address).await?),
            )
        }
        /// A client of a server in memory, or of one service, without a socket: for tests. If that cannot
        /// serve, every call says why. To be called within a tokio runtime.
        pub fn in_memory(
            server: impl ::core::convert::Into<::rpc_core::__private::Server>,
        ) -> Self {
            Self::new(::rpc_core::__private::in_memory(server))
        }
        /// The channel that calls leave through, for clients of other services of the same server.
        pub fn channel(&self) -> &::rpc_core::__private::Channel {
            &self.channel
        }
        /// The description of the service that this program was compiled with.
        pub fn schema() -> &'static ::rpc_core::__private::ServiceSchema {
            __schema()
        }
        /// Adds two integers.
        pub fn add(&self, a: i64, b: i64) -> ::rpc_core::__private::Call<i64> {
            ::rpc_core::__private::unary(
                &self.channel,
                __schema(),
                0usize,
                &[&a, &b],
                ::rpc_core::__private::plain::decode::<i64>,
            )
        }
        ///Calls `Calculator.div`.
        #[deprecated]
        pub fn div(
            &self,
            a: f64,
            b: f64,
        ) -> ::rpc_core::__private::Call<f64, MathError> {
            ::rpc_core::__private::fallible(
                &self.channel,
                __schema(),
                1usize,
                &[&a, &b],
                ::rpc_core::__private::plain::decode::<f64>,
                ::rpc_core::__private::Carried::<MathError>::DECODE,
            )
        }
        ///Calls `Calculator.log`.
        pub fn log(
            &self,
            line: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<()> {
            ::rpc_core::__private::oneway(
                &self.channel,
                __schema(),
                2usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&line)],
            )
        }
        ///Calls `Calculator.reset`.
        pub fn reset(&self) -> ::rpc_core::__private::Call<()> {
            ::rpc_core::__private::unary(
                &self.channel,
                __schema(),
                3usize,
                &[],
                ::rpc_core::__private::plain::decode::<()>,
            )
        }
    }
    #[automatically_derived]
    impl<__T: Calculator> __CalculatorService::CalculatorServer<__T> {
        /// Serves `service`.
        pub fn new(service: __T) -> Self {
            Self::from_arc(::std::sync::Arc::new(service))
        }
        /// Serves `service`, which the program keeps using itself.
        pub fn from_arc(service: ::std::sync::Arc<__T>) -> Self {
            Self { service }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::clone::Clone for __CalculatorService::CalculatorServer<__T> {
        fn clone(&self) -> Self {
            Self {
                service: ::std::sync::Arc::clone(&self.service),
            }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::fmt::Debug for __CalculatorService::CalculatorServer<__T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("CalculatorServer").finish_non_exhaustive()
        }
    }
    #[automatically_derived]
    impl<__T: Calculator> ::rpc_core::__private::Dispatch
    for __CalculatorService::CalculatorServer<__T> {
        fn schema(&self) -> &'static ::rpc_core::__private::ServiceSchema {
            __schema()
        }
        fn dispatch(
            &self,
            method: usize,
            request: ::rpc_core::__private::Request,
            slot: &mut ::rpc_core::__private::HandlerSlot,
        ) {
            match method {
                0usize => {
                    let ::core::option::Option::Some(
                        (__argument_0, (__argument_1, ())),
                    ) = request.arguments::<(i64, (i64, ()))>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .value(
                                        &<__T as Calculator>::add(
                                                &__service,
                                                __argument_0,
                                                __argument_1,
                                            )
                                            .await,
                                        ::rpc_core::__private::plain::encode::<i64>,
                                    )
                            },
                        );
                }
                1usize => {
                    let __context = request.context();
                    let ::core::option::Option::Some(
                        (__argument_0, (__argument_1, ())),
                    ) = request.arguments::<(f64, (f64, ()))>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .result(
                                        <__T as Calculator>::div(
                                                &__service,
                                                __argument_0,
                                                &__context,
                                                __argument_1,
                                            )
                                            .await,
                                        ::rpc_core::__private::plain::encode::<f64>,
                                        ::rpc_core::__private::Carried::<MathError>::ENCODE,
                                    )
                            },
                        );
                }
                2usize => {
                    let __context = request.context();
                    let ::core::option::Option::Some((__argument_0, ())) = request
                        .arguments::<(String, ())>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .value(
                                        &<__T as Calculator>::log(
                                                &__service,
                                                &__context,
                                                __argument_0,
                                            )
                                            .await,
                                        ::rpc_core::__private::plain::encode::<()>,
                                    )
                            },
                        );
                }
                3usize => {
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .value(
                                        &<__T as Calculator>::reset(&__service).await,
                                        ::rpc_core::__private::plain::encode::<()>,
                                    )
                            },
                        );
                }
                _ => request.unknown_method(slot),
            }
        }
    }
    #[automatically_derived]
    impl<__T: Calculator> Calculator for ::std::sync::Arc<__T>
    where
        Self: Debug,
    {
        fn add(
            &self,
            a: i64,
            b: i64,
        ) -> impl ::core::future::Future<Output = i64> + ::core::marker::Send {
            <__T as Calculator>::add(&**self, a, b)
        }
        fn div(
            &self,
            a: f64,
            cx: &Context,
            b: f64,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<f64, MathError>,
        > + ::core::marker::Send {
            <__T as Calculator>::div(&**self, a, cx, b)
        }
        fn log(
            &self,
            cx: &Context,
            line: String,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Calculator>::log(&**self, cx, line)
        }
        fn reset(
            &self,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Calculator>::reset(&**self)
        }
    }
    #[automatically_derived]
    impl<__T: Calculator> Calculator for ::std::boxed::Box<__T>
    where
        Self: Debug,
    {
        fn add(
            &self,
            a: i64,
            b: i64,
        ) -> impl ::core::future::Future<Output = i64> + ::core::marker::Send {
            <__T as Calculator>::add(&**self, a, b)
        }
        fn div(
            &self,
            a: f64,
            cx: &Context,
            b: f64,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<f64, MathError>,
        > + ::core::marker::Send {
            <__T as Calculator>::div(&**self, a, cx, b)
        }
        fn log(
            &self,
            cx: &Context,
            line: String,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Calculator>::log(&**self, cx, line)
        }
        fn reset(
            &self,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Calculator>::reset(&**self)
        }
    }
};
