trait Files: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn swap(
        &self,
        r#type: Bytes,
        old: std::vec::Vec<u8>,
    ) -> impl ::core::future::Future<
        Output = ::core::result::Result<Vec<u8>, Bytes>,
    > + ::core::marker::Send;
}
///Calls the service [`Files`] over a connection. Clones are cheap and share the connection.
#[allow(dead_code, unreachable_pub)]
#[derive(::core::clone::Clone, ::core::fmt::Debug)]
struct FilesClient {
    channel: my::engine::__private::Channel,
}
///Serves an implementation of [`Files`]: give it to a server.
#[allow(dead_code, unreachable_pub)]
struct FilesServer<__T> {
    service: ::std::sync::Arc<__T>,
}
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
    use my::engine::__private::{NotCarried as _, NotCoded as _};
    const _: fn(&std::vec::Vec<u8>) -> &::std::vec::Vec<u8> = |value| value;
    fn __schema() -> &'static my::engine::__private::ServiceSchema {
        static SCHEMA: ::std::sync::LazyLock<my::engine::__private::ServiceSchema> = ::std::sync::LazyLock::new(||
        {
            let mut service = my::engine::__private::ServiceBuilder::new("Storage", "");
            service
                .method("swap", "", my::engine::__private::MethodKind::Unary)
                .argument::<Bytes>("type")
                .argument::<std::vec::Vec<u8>>("old")
                .returns::<Vec<u8>>()
                .fails::<Bytes>();
            service.build()
        });
        &SCHEMA
    }
    #[automatically_derived]
    impl ::core::convert::From<my::engine::__private::Channel> for FilesClient {
        fn from(channel: my::engine::__private::Channel) -> Self {
            Self::new(channel)
        }
    }
    #[automatically_derived]
    impl FilesClient {
        /// A client over a channel that is open already.
        fn new(channel: my::engine::__private::Channel) -> Self {
            Self { channel }
        }
        /// Connects to a server: `host:port` or `unix:/path`. Does not wait for its hello, without which
        /// calls may leave already; `channel().ready()` does.
        ///
        /// # Errors
        /// No transport could be opened to the address.
        async fn connect(
            address: impl my::engine::__private::IntoAddress,
        ) -> ::core::result::Result<Self, my::engine::__private::DialError> {
            ::core::result::Result::Ok(
                Self::new(my::engine::__private::Channel::connect(address).await?),
            )
        }
        /// A client of a server in memory, or of one service, without a socket: for tests. If that cannot
        /// serve, every call says why. To be called within a tokio runtime.
        fn in_memory(
            server: impl ::core::convert::Into<my::engine::__private::Server>,
        ) -> Self {
            Self::new(my::engine::__private::in_memory(server))
        }
        /// The channel that calls leave through, for clients of other services of the same server.
        fn channel(&self) -> &my::engine::__private::Channel {
            &self.channel
        }
        /// The description of the service that this program was compiled with.
        fn schema() -> &'static my::engine::__private::ServiceSchema {
            __schema()
        }
        ///Calls `Storage.swap`.
        fn swap(
            &self,
            r#type: Bytes,
            old: impl ::core::convert::AsRef<[u8]>,
        ) -> my::engine::__private::Call<Vec<u8>, Bytes> {
            my::engine::__private::fallible(
                &self.channel,
                __schema(),
                0usize,
                &[
                    &my::engine::__private::shared_bytes::Lent(&r#type),
                    &my::engine::__private::byte_vec::Lent(
                        ::core::convert::AsRef::<[u8]>::as_ref(&old),
                    ),
                ],
                my::engine::__private::byte_vec::decode,
                my::engine::__private::shared_bytes::decode,
            )
        }
    }
    #[automatically_derived]
    impl<__T: Files> FilesServer<__T> {
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
    impl<__T> ::core::clone::Clone for FilesServer<__T> {
        fn clone(&self) -> Self {
            Self {
                service: ::std::sync::Arc::clone(&self.service),
            }
        }
    }
    #[automatically_derived]
    impl<__T> ::core::fmt::Debug for FilesServer<__T> {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("FilesServer").finish_non_exhaustive()
        }
    }
    #[automatically_derived]
    impl<__T: Files> my::engine::__private::Dispatch for FilesServer<__T> {
        fn schema(&self) -> &'static my::engine::__private::ServiceSchema {
            __schema()
        }
        fn dispatch(
            &self,
            method: usize,
            request: my::engine::__private::Request,
            slot: &mut my::engine::__private::HandlerSlot,
        ) {
            match method {
                0usize => {
                    let ::core::option::Option::Some(
                        (
                            my::engine::__private::shared_bytes::Owned(__argument_0),
                            (my::engine::__private::byte_vec::Owned(__argument_1), ()),
                        ),
                    ) = request
                        .arguments::<
                            (
                                my::engine::__private::shared_bytes::Owned,
                                (my::engine::__private::byte_vec::Owned, ()),
                            ),
                        >(slot) else {
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
                                        <__T as Files>::swap(&__service, __argument_0, __argument_1)
                                            .await,
                                        my::engine::__private::byte_vec::encode,
                                        my::engine::__private::shared_bytes::encode,
                                    )
                            },
                        );
                }
                _ => request.unknown_method(slot),
            }
        }
    }
    #[automatically_derived]
    impl<__T: Files> Files for ::std::sync::Arc<__T> {
        fn swap(
            &self,
            r#type: Bytes,
            old: std::vec::Vec<u8>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<Vec<u8>, Bytes>,
        > + ::core::marker::Send {
            <__T as Files>::swap(&**self, r#type, old)
        }
    }
    #[automatically_derived]
    impl<__T: Files> Files for ::std::boxed::Box<__T> {
        fn swap(
            &self,
            r#type: Bytes,
            old: std::vec::Vec<u8>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<Vec<u8>, Bytes>,
        > + ::core::marker::Send {
            <__T as Files>::swap(&**self, r#type, old)
        }
    }
    #[automatically_derived]
    impl Files for FilesClient
    where
        for<'__none> Bytes: ::core::convert::From<my::engine::__private::Status>,
    {
        #[inline]
        fn swap(
            &self,
            r#type: Bytes,
            old: std::vec::Vec<u8>,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<Vec<u8>, Bytes>,
        > + ::core::marker::Send {
            my::engine::__private::forward::value(
                FilesClient::swap(self, r#type, old),
                my::engine::__private::forward::own::<Bytes>,
            )
        }
    }
};
