trait Stock: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn price(
        &self,
        name: String,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<u64, Status>,
    > + ::core::marker::Send;
    fn prices(
        &self,
    ) -> impl Stream<
        Item = Result<Shared<u64>, rpc_core::Status>,
    > + ::core::marker::Send;
    fn watch(
        &self,
        name: String,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            impl Stream<Item = Result<u64, Status>> + ::core::marker::Send,
            Status,
        >,
    > + ::core::marker::Send;
    fn own(
        &self,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<u64, Status<u8>>,
    > + ::core::marker::Send;
}
#[doc(hidden)]
#[allow(non_snake_case)]
mod __StockService {
    ///Calls the service [`Stock`](super::Stock) over a connection. Clones are cheap and share the connection.
    #[allow(dead_code, unreachable_pub)]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)]
    pub struct StockClient {
        pub(super) channel: ::rpc_core::__private::Channel,
    }
    ///Serves an implementation of [`Stock`](super::Stock): give it to a server.
    #[allow(dead_code, unreachable_pub)]
    pub struct StockServer<__T> {
        pub(super) service: ::std::sync::Arc<__T>,
    }
}
#[doc(inline)]
#[allow(unused_imports, unreachable_pub)]
use __StockService::{StockClient, StockServer};
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
    const _: fn(&String) -> &::std::string::String = |value| value;
    const _: () = {
        let __described = ::rpc_core::__private::Carried::<Status<u8>>::DESCRIBED;
        ::rpc_core::__private::encoded(__described);
        let __encoded = ::rpc_core::__private::Carried::<Status<u8>>::ENCODED;
        ::rpc_core::__private::decoded(__encoded);
    };
    fn __schema() -> &'static ::rpc_core::__private::ServiceSchema {
        static SCHEMA: ::std::sync::LazyLock<::rpc_core::__private::ServiceSchema> = ::std::sync::LazyLock::new(||
        {
            let mut service = ::rpc_core::__private::ServiceBuilder::new("Stock", "");
            service
                .method("price", "", ::rpc_core::__private::MethodKind::Unary)
                .argument::<String>("name")
                .returns::<u64>();
            service
                .method("prices", "", ::rpc_core::__private::MethodKind::ServerStream)
                .returns::<u64>();
            service
                .method("watch", "", ::rpc_core::__private::MethodKind::ServerStream)
                .argument::<String>("name")
                .returns::<u64>();
            service
                .method("own", "", ::rpc_core::__private::MethodKind::Unary)
                .returns::<u64>()
                .fails::<Status<u8>>();
            service.build()
        });
        &SCHEMA
    }
    #[automatically_derived]
    impl ::core::convert::From<::rpc_core::__private::Channel>
    for __StockService::StockClient {
        fn from(channel: ::rpc_core::__private::Channel) -> Self {
            Self::new(channel)
        }
    }
    #[automatically_derived]
    impl __StockService::StockClient {
        /// A client over a channel that is open already.
        fn new(channel: ::rpc_core::__private::Channel) -> Self {
            Self { channel }
        }
        /// Connects to a server: `host:port` or `unix:/path`. Does not wait for its hello, without which
        /// calls may leave already; `channel().ready()` does.
        ///
        /// # Errors
        /// No transport could be opened to the address.
        async fn connect(
            address: impl ::rpc_core::__private::IntoAddress,
        ) -> ::core::result::Result<Self, ::rpc_core::__private::DialError> {
            ::core::result::Result::Ok(
                Self::new(::rpc_core::__private::Channel::connect(address).await?),
            )
        }
        /// A client of a server in memory, or of one service, without a socket: for tests. If that cannot
        /// serve, every call says why. To be called within a tokio runtime.
        fn in_memory(
            server: impl ::core::convert::Into<::rpc_core::__private::Server>,
        ) -> Self {
            Self::new(::rpc_core::__private::in_memory(server))
        }
        /// The channel that calls leave through, for clients of other services of the same server.
        fn channel(&self) -> &::rpc_core::__private::Channel {
            &self.channel
        }
        /// The description of the service that this program was compiled with.
        fn schema() -> &'static ::rpc_core::__private::ServiceSchema {
            __schema()
        }
        ///Calls `Stock.price`.
        fn price(
            &self,
            name: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<u64> {
            ::rpc_core::__private::unary(
                &self.channel,
                __schema(),
                0usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&name)],
                ::rpc_core::__private::plain::decode::<u64>,
            )
        }
        ///Calls `Stock.prices`.
        fn prices(
            &self,
        ) -> ::rpc_core::__private::Call<::rpc_core::__private::Streaming<u64>> {
            ::rpc_core::__private::stream(
                &self.channel,
                __schema(),
                1usize,
                &[],
                ::rpc_core::__private::plain::decode::<u64>,
            )
        }
        ///Calls `Stock.watch`.
        fn watch(
            &self,
            name: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<::rpc_core::__private::Streaming<u64>> {
            ::rpc_core::__private::stream(
                &self.channel,
                __schema(),
                2usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&name)],
                ::rpc_core::__private::plain::decode::<u64>,
            )
        }
        ///Calls `Stock.own`.
        fn own(&self) -> ::rpc_core::__private::Call<u64, Status<u8>> {
            ::rpc_core::__private::fallible(
                &self.channel,
                __schema(),
                3usize,
                &[],
                ::rpc_core::__private::plain::decode::<u64>,
                ::rpc_core::__private::Carried::<Status<u8>>::DECODE,
            )
        }
    }
    #[automatically_derived]
    impl<__T: Stock> __StockService::StockServer<__T> {
        /// Serves `service`.
        fn new(service: __T) -> Self {
            Self::from_arc(::std::sync::Arc::new(service))
        }
        /// Serves `service`, which the program keeps using itself.
        fn from_arc(service: ::std::sync::Arc<__T>) -> Self {
            Self { service }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::clone::Clone for __StockService::StockServer<__T> {
        fn clone(&self) -> Self {
            Self {
                service: ::std::sync::Arc::clone(&self.service),
            }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::fmt::Debug for __StockService::StockServer<__T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("StockServer").finish_non_exhaustive()
        }
    }
    #[automatically_derived]
    impl<__T: Stock> ::rpc_core::__private::Dispatch
    for __StockService::StockServer<__T> {
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
                                let __returned = <__T as Stock>::price(
                                        &__service,
                                        __argument_0,
                                    )
                                    .await;
                                __answer
                                    .value_or_status(
                                        __returned,
                                        ::rpc_core::__private::plain::encode::<u64>,
                                    )
                            },
                        );
                }
                1usize => {
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .items(::rpc_core::__private::shared_value::encode::<u64>);
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .send_all_or_status(<__T as Stock>::prices(&__service))
                                    .await
                            },
                        );
                }
                2usize => {
                    let ::core::option::Option::Some((__argument_0, ())) = request
                        .arguments::<(String, ())>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .items(::rpc_core::__private::plain::encode::<u64>);
                    request
                        .run(
                            slot,
                            async move {
                                match <__T as Stock>::watch(&__service, __argument_0).await
                                {
                                    ::core::result::Result::Ok(__stream) => {
                                        __answer.send_all_or_status(__stream).await
                                    }
                                    ::core::result::Result::Err(__error) => {
                                        __answer.end(__error)
                                    }
                                }
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
                                    .result(
                                        <__T as Stock>::own(&__service).await,
                                        ::rpc_core::__private::plain::encode::<u64>,
                                        ::rpc_core::__private::Carried::<Status<u8>>::ENCODE,
                                    )
                            },
                        );
                }
                _ => request.unknown_method(slot),
            }
        }
    }
    #[automatically_derived]
    impl<__T: Stock> Stock for ::std::sync::Arc<__T> {
        fn price(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status>,
        > + ::core::marker::Send {
            <__T as Stock>::price(&**self, name)
        }
        fn prices(
            &self,
        ) -> impl Stream<
            Item = Result<Shared<u64>, rpc_core::Status>,
        > + ::core::marker::Send {
            <__T as Stock>::prices(&**self)
        }
        fn watch(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                impl Stream<Item = Result<u64, Status>> + ::core::marker::Send,
                Status,
            >,
        > + ::core::marker::Send {
            <__T as Stock>::watch(&**self, name)
        }
        fn own(
            &self,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status<u8>>,
        > + ::core::marker::Send {
            <__T as Stock>::own(&**self)
        }
    }
    #[automatically_derived]
    impl<__T: Stock> Stock for ::std::boxed::Box<__T> {
        fn price(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status>,
        > + ::core::marker::Send {
            <__T as Stock>::price(&**self, name)
        }
        fn prices(
            &self,
        ) -> impl Stream<
            Item = Result<Shared<u64>, rpc_core::Status>,
        > + ::core::marker::Send {
            <__T as Stock>::prices(&**self)
        }
        fn watch(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                impl Stream<Item = Result<u64, Status>> + ::core::marker::Send,
                Status,
            >,
        > + ::core::marker::Send {
            <__T as Stock>::watch(&**self, name)
        }
        fn own(
            &self,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status<u8>>,
        > + ::core::marker::Send {
            <__T as Stock>::own(&**self)
        }
    }
    #[automatically_derived]
    impl Stock for __StockService::StockClient
    where
        for<'__none> Status: ::core::convert::From<::rpc_core::__private::Status>,
        for<'__none> rpc_core::Status: ::core::convert::From<
            ::rpc_core::__private::Status,
        >,
        for<'__none> Status: ::core::convert::From<::rpc_core::__private::Status>,
        for<'__none> Status<u8>: ::core::convert::From<::rpc_core::__private::Status>,
    {
        #[inline]
        fn price(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status>,
        > + ::core::marker::Send {
            ::rpc_core::__private::forward::value(
                __StockService::StockClient::price(self, name),
                ::rpc_core::__private::forward::status,
            )
        }
        #[inline]
        fn prices(
            &self,
        ) -> impl Stream<
            Item = Result<Shared<u64>, rpc_core::Status>,
        > + ::core::marker::Send {
            ::rpc_core::__private::forward::items(
                __StockService::StockClient::prices(self),
                ::rpc_core::__private::forward::status,
            )
        }
        #[inline]
        fn watch(
            &self,
            name: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                impl Stream<Item = Result<u64, Status>> + ::core::marker::Send,
                Status,
            >,
        > + ::core::marker::Send {
            ::rpc_core::__private::forward::started(
                __StockService::StockClient::watch(self, name),
                ::rpc_core::__private::forward::status,
            )
        }
        #[inline]
        fn own(
            &self,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<u64, Status<u8>>,
        > + ::core::marker::Send {
            ::rpc_core::__private::forward::value(
                __StockService::StockClient::own(self),
                ::rpc_core::__private::forward::own::<Status<u8>>,
            )
        }
    }
};
