import X509

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

        /// How many bytes the reviews in flight may hold together, with what is read from them; above it as for
        /// ``reviewLimit``.
        public var memoryLimit = 96 << 20

        /// How many bytes may have arrived of bodies that nobody has begun to read, beyond 16 KiB each, from senders that have had a
        /// review answered; and as many from all others together.
        public var arrivingBytesLimit = 24 << 20

        /// Reviews with larger bodies are read and answered on a thread of their own, one after the other.
        public var promptBodySize = 64 << 10

        public var connections = ConnectionLimits()

        /// How long a handler has, where the API server does not say how long it waits.
        public var reviewDeadline: Duration = .seconds(4)

        /// Certificates of CAs, in PEM: whoever connects must present a certificate that one of them signed. `nil`: anybody
        /// may connect.
        public private(set) var clientAuthorities: [UInt8]?

        /// Reads ``clientAuthorities``.
        ///
        /// - Throws: if the text holds no certificates.
        public mutating func demandCertificates(signedBy pem: [UInt8], named name: String) throws(CertificateError) {
            _ = try Certificate.all(inPEM: pem, named: name)
            clientAuthorities = pem
        }

        public init(host: String = "0.0.0.0", port: Int = 8443) {
            self.host = host
            self.port = port
        }
    }
}
