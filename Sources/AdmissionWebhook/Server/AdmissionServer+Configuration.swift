extension AdmissionServer {
    /// Where to listen, and the bounds that keep one sender from hurting all others.
    public struct Configuration: Sendable {
        /// A name or address to listen on. `0.0.0.0` takes connections on all IPv4 interfaces, `::` on all.
        public var host: String

        /// 0 takes any free port.
        public var port: Int

        /// The largest review, in bytes: two objects of 3 MiB (the old and the new) and 1 MiB around them, as
        /// controller-runtime has it. Larger ones get HTTP 413.
        public var bodyLimit = 7 << 20

        /// How many arrays and objects may stand inside each other. Deeper ones get HTTP 400.
        public var depthLimit = 128

        /// How many reviews may be in flight. Above it they get HTTP 503 and `Retry-After`, which the API server heeds as long
        /// as the webhook's `timeoutSeconds` allow. By default an API server has 200 mutating requests in flight itself.
        public var reviewLimit = 256

        /// How many bytes the reviews in flight may have together; above it as for ``reviewLimit``.
        public var bytesInFlightLimit = 64 << 20

        /// How many connections are open at once. More wait until one is closed.
        public var connectionLimit = 1024

        /// How long a handler has, where the API server does not say how long it waits.
        public var reviewDeadline: Duration = .seconds(4)

        /// How long a request may take to arrive once it has begun. After that the connection is closed.
        public var readTimeout: Duration = .seconds(5)

        /// How long a connection may be idle: longer than the 90 seconds after which an API server closes an idle connection,
        /// so that it never sends a review on one that is being closed here.
        public var idleTimeout: Duration = .seconds(120)

        public init(host: String = "0.0.0.0", port: Int = 8443) {
            self.host = host
            self.port = port
        }
    }
}
