/// News.
trait Feed: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn ticks(&self, every_ms: u64) -> impl Stream<Item = Tick> + ::core::marker::Send;
    fn open(
        &self,
    ) -> impl ::core::future::Future<
        Output = impl futures::Stream<Item = Bytes> + Send + Unpin,
    > + ::core::marker::Send;
    fn risky(
        &self,
    ) -> impl Stream<Item = Result<Tick, FeedError>> + ::core::marker::Send;
    fn watch(
        &self,
        key: String,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<
            impl Stream<Item = Tick> + ::core::marker::Send,
            FeedError,
        >,
    > + ::core::marker::Send;
    fn both(
        &self,
        cx: &Context,
    ) -> ::core::result::Result<
        impl Stream<Item = Result<Shared<Tick>, FeedError>> + ::core::marker::Send,
        FeedError,
    >;
    fn sum(
        &self,
        cx: &Context,
        arguments: rpc_core::Streaming<i64>,
        scale: i64,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<i64, FeedError>,
    > + ::core::marker::Send;
    fn store(
        &self,
        blocks: Streaming<Vec<u8>>,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    fn echo(
        &self,
        lines: Streaming<Shared<String>>,
    ) -> impl Stream<Item = String> + ::core::marker::Send;
    fn say(
        &self,
        line: String,
    ) -> impl ::core::future::Future<Output = Shared<Tick>> + ::core::marker::Send;
    fn log(
        &self,
        line: String,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
}
#[doc(hidden)]
#[allow(non_snake_case)]
mod __FeedService {
    ///Calls the service [`Feed`](super::Feed) over a connection. Clones are cheap and share the connection.
    #[allow(dead_code, unreachable_pub)]
    #[derive(::core::clone::Clone, ::core::fmt::Debug)]
    pub struct FeedClient {
        pub(super) channel: ::rpc_core::__private::Channel,
    }
    ///Serves an implementation of [`Feed`](super::Feed): give it to a server.
    #[allow(dead_code, unreachable_pub)]
    pub struct FeedServer<__T> {
        pub(super) service: ::std::sync::Arc<__T>,
    }
}
#[doc(inline)]
#[allow(unused_imports, unreachable_pub)]
use __FeedService::{FeedClient, FeedServer};
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
    const _: () = {
        use ::rpc_core::__private::NoResult as _;
        assert!(
            ! ::rpc_core::__private::Answer:: < Tick > ::IS_RESULT,
            "`Tick` is a `Result`, which the macro cannot see: write `Result<T, E>` out, so that callers get the error as one"
        );
    };
    const _: fn(&String) -> &::std::string::String = |value| value;
    const _: () = {
        use ::rpc_core::__private::NoResult as _;
        assert!(
            ! ::rpc_core::__private::Answer:: < Tick > ::IS_RESULT,
            "`Tick` is a `Result`, which the macro cannot see: write `Result<T, E>` out, so that callers get the error as one"
        );
    };
    const _: fn(&String) -> &::std::string::String = |value| value;
    const _: fn(&String) -> &::std::string::String = |value| value;
    const _: () = {
        let __described = ::rpc_core::__private::Carried::<Tick>::DESCRIBED;
        ::rpc_core::__private::encoded(__described);
        let __encoded = ::rpc_core::__private::Carried::<Tick>::ENCODED;
        ::rpc_core::__private::decoded(__encoded);
    };
    const _: () = {
        let __described = ::rpc_core::__private::Carried::<FeedError>::DESCRIBED;
        ::rpc_core::__private::encoded(__described);
        let __encoded = ::rpc_core::__private::Carried::<FeedError>::ENCODED;
        ::rpc_core::__private::decoded(__encoded);
    };
    fn __schema() -> &'static ::rpc_core::__private::ServiceSchema {
        static SCHEMA: ::std::sync::LazyLock<::rpc_core::__private::ServiceSchema> = ::std::sync::LazyLock::new(||
        {
            let mut service = ::rpc_core::__private::ServiceBuilder::new(
                "Feed",
                "News.",
            );
            service.ordered();
            service
                .method("ticks", "", ::rpc_core::__private::MethodKind::ServerStream)
                .argument::<u64>("every_ms")
                .returns::<Tick>();
            service
                .method("open", "", ::rpc_core::__private::MethodKind::ServerStream)
                .returns::<Bytes>();
            service
                .method("risky", "", ::rpc_core::__private::MethodKind::ServerStream)
                .returns::<Tick>()
                .fails::<FeedError>();
            service
                .method("watch", "", ::rpc_core::__private::MethodKind::ServerStream)
                .argument::<String>("key")
                .returns::<Tick>()
                .fails::<FeedError>();
            service
                .method("both", "", ::rpc_core::__private::MethodKind::ServerStream)
                .returns::<Tick>()
                .fails::<FeedError>();
            service
                .method("sum", "", ::rpc_core::__private::MethodKind::ClientStream)
                .argument::<i64>("scale")
                .upload::<i64>("arguments")
                .returns::<i64>()
                .fails::<FeedError>();
            service
                .method("store", "", ::rpc_core::__private::MethodKind::ClientStream)
                .upload::<Vec<u8>>("blocks");
            service
                .method("echo", "", ::rpc_core::__private::MethodKind::Duplex)
                .upload::<String>("lines")
                .returns::<String>();
            service
                .method("say", "", ::rpc_core::__private::MethodKind::Unary)
                .argument::<String>("line")
                .returns::<Tick>()
                .ordered();
            service
                .method("log", "", ::rpc_core::__private::MethodKind::Oneway)
                .argument::<String>("line")
                .ordered();
            service.build()
        });
        &SCHEMA
    }
    #[automatically_derived]
    impl ::core::convert::From<::rpc_core::__private::Channel>
    for __FeedService::FeedClient {
        fn from(channel: ::rpc_core::__private::Channel) -> Self {
            Self::new(channel)
        }
    }
    #[automatically_derived]
    impl __FeedService::FeedClient {
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
        ///Calls `Feed.ticks`.
        fn ticks(
            &self,
            every_ms: u64,
        ) -> ::rpc_core::__private::Call<::rpc_core::__private::Streaming<Tick>> {
            ::rpc_core::__private::stream(
                &self.channel,
                __schema(),
                0usize,
                &[&every_ms],
                ::rpc_core::__private::Carried::<Tick>::DECODE,
            )
        }
        ///Calls `Feed.open`.
        fn open(
            &self,
        ) -> ::rpc_core::__private::Call<::rpc_core::__private::Streaming<Bytes>> {
            ::rpc_core::__private::stream(
                &self.channel,
                __schema(),
                1usize,
                &[],
                ::rpc_core::__private::shared_bytes::decode,
            )
        }
        ///Calls `Feed.risky`.
        fn risky(
            &self,
        ) -> ::rpc_core::__private::Call<
            ::rpc_core::__private::Streaming<Tick, FeedError>,
            FeedError,
        > {
            ::rpc_core::__private::fallible_stream(
                &self.channel,
                __schema(),
                2usize,
                &[],
                ::rpc_core::__private::Carried::<Tick>::DECODE,
                ::rpc_core::__private::Carried::<FeedError>::DECODE,
            )
        }
        ///Calls `Feed.watch`.
        fn watch(
            &self,
            key: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<
            ::rpc_core::__private::Streaming<Tick, FeedError>,
            FeedError,
        > {
            ::rpc_core::__private::fallible_stream(
                &self.channel,
                __schema(),
                3usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&key)],
                ::rpc_core::__private::Carried::<Tick>::DECODE,
                ::rpc_core::__private::Carried::<FeedError>::DECODE,
            )
        }
        ///Calls `Feed.both`.
        fn both(
            &self,
        ) -> ::rpc_core::__private::Call<
            ::rpc_core::__private::Streaming<Tick, FeedError>,
            FeedError,
        > {
            ::rpc_core::__private::fallible_stream(
                &self.channel,
                __schema(),
                4usize,
                &[],
                ::rpc_core::__private::Carried::<Tick>::DECODE,
                ::rpc_core::__private::Carried::<FeedError>::DECODE,
            )
        }
        ///Calls `Feed.sum`.
        fn sum(
            &self,
            arguments: impl ::rpc_core::__private::Upload<i64>,
            scale: i64,
        ) -> ::rpc_core::__private::Call<i64, FeedError> {
            ::rpc_core::__private::upload(
                ::rpc_core::__private::fallible(
                    &self.channel,
                    __schema(),
                    5usize,
                    &[&scale],
                    ::rpc_core::__private::plain::decode::<i64>,
                    ::rpc_core::__private::Carried::<FeedError>::DECODE,
                ),
                arguments,
                ::rpc_core::__private::plain::encode::<i64>,
            )
        }
        ///Calls `Feed.store`.
        fn store(
            &self,
            blocks: impl ::rpc_core::__private::Upload<Vec<u8>>,
        ) -> ::rpc_core::__private::Call<()> {
            ::rpc_core::__private::upload(
                ::rpc_core::__private::unary(
                    &self.channel,
                    __schema(),
                    6usize,
                    &[],
                    ::rpc_core::__private::plain::decode::<()>,
                ),
                blocks,
                ::rpc_core::__private::byte_vec::encode,
            )
        }
        ///Calls `Feed.echo`.
        fn echo(
            &self,
            lines: impl ::rpc_core::__private::Upload<Shared<String>>,
        ) -> ::rpc_core::__private::Call<::rpc_core::__private::Streaming<String>> {
            ::rpc_core::__private::upload(
                ::rpc_core::__private::stream(
                    &self.channel,
                    __schema(),
                    7usize,
                    &[],
                    ::rpc_core::__private::plain::decode::<String>,
                ),
                lines,
                ::rpc_core::__private::shared_value::encode::<String>,
            )
        }
        ///Calls `Feed.say`.
        fn say(
            &self,
            line: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<Tick> {
            ::rpc_core::__private::unary(
                &self.channel,
                __schema(),
                8usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&line)],
                ::rpc_core::__private::Carried::<Tick>::DECODE,
            )
        }
        ///Calls `Feed.log`.
        fn log(
            &self,
            line: impl ::core::convert::AsRef<::core::primitive::str>,
        ) -> ::rpc_core::__private::Call<()> {
            ::rpc_core::__private::oneway(
                &self.channel,
                __schema(),
                9usize,
                &[&::core::convert::AsRef::<::core::primitive::str>::as_ref(&line)],
            )
        }
    }
    #[automatically_derived]
    impl<__T: Feed> __FeedService::FeedServer<__T> {
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
    impl<__T> ::core::clone::Clone for __FeedService::FeedServer<__T> {
        fn clone(&self) -> Self {
            Self {
                service: ::std::sync::Arc::clone(&self.service),
            }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::fmt::Debug for __FeedService::FeedServer<__T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("FeedServer").finish_non_exhaustive()
        }
    }
    #[automatically_derived]
    impl<__T: Feed> ::rpc_core::__private::Dispatch for __FeedService::FeedServer<__T> {
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
                        .arguments::<(u64, ())>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .items(::rpc_core::__private::Carried::<Tick>::ENCODE);
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .send_all(<__T as Feed>::ticks(&__service, __argument_0))
                                    .await
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
                        .items(::rpc_core::__private::shared_bytes::encode);
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .send_all(<__T as Feed>::open(&__service).await)
                                    .await
                            },
                        );
                }
                2usize => {
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .fallible_items(
                            ::rpc_core::__private::Carried::<Tick>::ENCODE,
                            ::rpc_core::__private::Carried::<FeedError>::ENCODE,
                        );
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .send_all_or_fail(<__T as Feed>::risky(&__service))
                                    .await
                            },
                        );
                }
                3usize => {
                    let ::core::option::Option::Some((__argument_0, ())) = request
                        .arguments::<(String, ())>(slot) else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .fallible_items(
                            ::rpc_core::__private::Carried::<Tick>::ENCODE,
                            ::rpc_core::__private::Carried::<FeedError>::ENCODE,
                        );
                    request
                        .run(
                            slot,
                            async move {
                                match <__T as Feed>::watch(&__service, __argument_0).await {
                                    ::core::result::Result::Ok(__stream) => {
                                        __answer.send_all(__stream).await
                                    }
                                    ::core::result::Result::Err(__error) => {
                                        __answer.fail(__error)
                                    }
                                }
                            },
                        );
                }
                4usize => {
                    let __context = request.context();
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .fallible_items(
                            ::rpc_core::__private::Carried::<Tick>::ENCODE_SHARED,
                            ::rpc_core::__private::Carried::<FeedError>::ENCODE,
                        );
                    request
                        .run(
                            slot,
                            async move {
                                match <__T as Feed>::both(&__service, &__context) {
                                    ::core::result::Result::Ok(__stream) => {
                                        __answer.send_all_or_fail(__stream).await
                                    }
                                    ::core::result::Result::Err(__error) => {
                                        __answer.fail(__error)
                                    }
                                }
                            },
                        );
                }
                5usize => {
                    let __context = request.context();
                    let ::core::option::Option::Some((__argument_0, ())) = request
                        .arguments::<(i64, ())>(slot) else {
                        return;
                    };
                    let __upload = request
                        .upload(::rpc_core::__private::plain::decode::<i64>);
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .result(
                                        <__T as Feed>::sum(
                                                &__service,
                                                &__context,
                                                __upload,
                                                __argument_0,
                                            )
                                            .await,
                                        ::rpc_core::__private::plain::encode::<i64>,
                                        ::rpc_core::__private::Carried::<FeedError>::ENCODE,
                                    )
                            },
                        );
                }
                6usize => {
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __upload = request
                        .upload(::rpc_core::__private::byte_vec::decode);
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request.answer();
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .value(
                                        &<__T as Feed>::store(&__service, __upload).await,
                                        ::rpc_core::__private::plain::encode::<()>,
                                    )
                            },
                        );
                }
                7usize => {
                    let ::core::option::Option::Some(()) = request.arguments::<()>(slot)
                    else {
                        return;
                    };
                    let __upload = request
                        .upload(::rpc_core::__private::shared_value::decode::<String>);
                    let __service = ::std::sync::Arc::clone(&self.service);
                    let __answer = request
                        .items(::rpc_core::__private::plain::encode::<String>);
                    request
                        .run(
                            slot,
                            async move {
                                __answer
                                    .send_all(<__T as Feed>::echo(&__service, __upload))
                                    .await
                            },
                        );
                }
                8usize => {
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
                                        &<__T as Feed>::say(&__service, __argument_0).await,
                                        ::rpc_core::__private::Carried::<Tick>::ENCODE_SHARED,
                                    )
                            },
                        );
                }
                9usize => {
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
                                        &<__T as Feed>::log(&__service, __argument_0).await,
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
    impl<__T: Feed> Feed for ::std::sync::Arc<__T> {
        fn ticks(
            &self,
            every_ms: u64,
        ) -> impl Stream<Item = Tick> + ::core::marker::Send {
            <__T as Feed>::ticks(&**self, every_ms)
        }
        fn open(
            &self,
        ) -> impl ::core::future::Future<
            Output = impl futures::Stream<Item = Bytes> + Send + Unpin,
        > + ::core::marker::Send {
            <__T as Feed>::open(&**self)
        }
        fn risky(
            &self,
        ) -> impl Stream<Item = Result<Tick, FeedError>> + ::core::marker::Send {
            <__T as Feed>::risky(&**self)
        }
        fn watch(
            &self,
            key: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                impl Stream<Item = Tick> + ::core::marker::Send,
                FeedError,
            >,
        > + ::core::marker::Send {
            <__T as Feed>::watch(&**self, key)
        }
        fn both(
            &self,
            cx: &Context,
        ) -> ::core::result::Result<
            impl Stream<Item = Result<Shared<Tick>, FeedError>> + ::core::marker::Send,
            FeedError,
        > {
            <__T as Feed>::both(&**self, cx)
        }
        fn sum(
            &self,
            cx: &Context,
            arguments: rpc_core::Streaming<i64>,
            scale: i64,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<i64, FeedError>,
        > + ::core::marker::Send {
            <__T as Feed>::sum(&**self, cx, arguments, scale)
        }
        fn store(
            &self,
            blocks: Streaming<Vec<u8>>,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Feed>::store(&**self, blocks)
        }
        fn echo(
            &self,
            lines: Streaming<Shared<String>>,
        ) -> impl Stream<Item = String> + ::core::marker::Send {
            <__T as Feed>::echo(&**self, lines)
        }
        fn say(
            &self,
            line: String,
        ) -> impl ::core::future::Future<Output = Shared<Tick>> + ::core::marker::Send {
            <__T as Feed>::say(&**self, line)
        }
        fn log(
            &self,
            line: String,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Feed>::log(&**self, line)
        }
    }
    #[automatically_derived]
    impl<__T: Feed> Feed for ::std::boxed::Box<__T> {
        fn ticks(
            &self,
            every_ms: u64,
        ) -> impl Stream<Item = Tick> + ::core::marker::Send {
            <__T as Feed>::ticks(&**self, every_ms)
        }
        fn open(
            &self,
        ) -> impl ::core::future::Future<
            Output = impl futures::Stream<Item = Bytes> + Send + Unpin,
        > + ::core::marker::Send {
            <__T as Feed>::open(&**self)
        }
        fn risky(
            &self,
        ) -> impl Stream<Item = Result<Tick, FeedError>> + ::core::marker::Send {
            <__T as Feed>::risky(&**self)
        }
        fn watch(
            &self,
            key: String,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                impl Stream<Item = Tick> + ::core::marker::Send,
                FeedError,
            >,
        > + ::core::marker::Send {
            <__T as Feed>::watch(&**self, key)
        }
        fn both(
            &self,
            cx: &Context,
        ) -> ::core::result::Result<
            impl Stream<Item = Result<Shared<Tick>, FeedError>> + ::core::marker::Send,
            FeedError,
        > {
            <__T as Feed>::both(&**self, cx)
        }
        fn sum(
            &self,
            cx: &Context,
            arguments: rpc_core::Streaming<i64>,
            scale: i64,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<i64, FeedError>,
        > + ::core::marker::Send {
            <__T as Feed>::sum(&**self, cx, arguments, scale)
        }
        fn store(
            &self,
            blocks: Streaming<Vec<u8>>,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Feed>::store(&**self, blocks)
        }
        fn echo(
            &self,
            lines: Streaming<Shared<String>>,
        ) -> impl Stream<Item = String> + ::core::marker::Send {
            <__T as Feed>::echo(&**self, lines)
        }
        fn say(
            &self,
            line: String,
        ) -> impl ::core::future::Future<Output = Shared<Tick>> + ::core::marker::Send {
            <__T as Feed>::say(&**self, line)
        }
        fn log(
            &self,
            line: String,
        ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send {
            <__T as Feed>::log(&**self, line)
        }
    }
};
