/// How many connections there may be, and how long each may take to come to the next step.
///
/// Whoever reaches the port can open connections. None of them is to keep an API server from having one.
public struct ConnectionLimits: Sendable, Hashable {
    /// How many are open at once. A new one above that takes the place of the one that will be missed least.
    public var count = 1024

    /// How many of one source may be open that have had no review answered yet. All API servers may share one address, so
    /// those that have are not counted.
    public var unprovenCountPerSource = 512

    /// From the connection to the end of the TLS handshake.
    public var handshakeTimeout: Duration = .seconds(5)

    /// From the first byte of a request to the end of its header; and from the handshake to a first request.
    public var headTimeout: Duration = .seconds(5)

    /// From the end of a request's header to the end of its body.
    public var bodyTimeout: Duration = .seconds(5)

    /// How many bytes a second a body must have on average, after its first second.
    public var leastBytesPerSecond = 16 << 10

    /// How long a connection may be idle: longer than the 90 seconds after which an API server closes an idle connection,
    /// so that it never sends a review on one that is being closed here.
    public var idleTimeout: Duration = .seconds(120)

    public init() {}
}
