public import KubernetesModel

/// Why the API server did not do what it was asked to, or could not be asked.
///
/// The description says what was being done and what went wrong: `list serviceaccounts in all namespaces: Forbidden: …`.
/// It never holds a token.
public struct KubernetesError: Error, Sendable {
    /// What kind of failure this is. New codes may be added.
    public struct Code: Hashable, Sendable {
        private enum Value: Hashable {
            case connectionFailed, timedOut, credentialsUnavailable, refused, invalidResponse, responseTooLarge
            case writingNotPermitted
        }

        private var value: Value

        /// The server could not be reached, or the connection broke before the answer was complete.
        public static let connectionFailed = Code(value: .connectionFailed)

        /// The server did not answer in time.
        public static let timedOut = Code(value: .timedOut)

        /// There is nothing to authenticate with: a token file cannot be read, or a plug-in failed.
        public static let credentialsUnavailable = Code(value: .credentialsUnavailable)

        /// The server answered with an HTTP status that is not 2xx, or with an error inside a watch.
        public static let refused = Code(value: .refused)

        /// The answer is not what Kubernetes answers.
        public static let invalidResponse = Code(value: .invalidResponse)

        /// The answer is larger than what this program is willing to hold.
        public static let responseTooLarge = Code(value: .responseTooLarge)

        /// This process may not write now (``KubernetesClient/writing(onlyWhile:)``). The server was not asked, or not for the
        /// whole of it, and has done nothing.
        public static let writingNotPermitted = Code(value: .writingNotPermitted)
    }

    public var code: Code

    /// What was being done: `list serviceaccounts in all namespaces`.
    public var operation: String
    public var message: String

    /// What the server said, if it refused.
    public var status: APIStatus?

    /// How long the server asks to be left alone, if it does.
    public var retryAfter: Duration?
    public var cause: (any Error)?

    public init(
        _ code: Code, operation: String, message: String, status: APIStatus? = nil, retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.status = status
        self.retryAfter = retryAfter ?? status?.retryAfterSeconds.map { .seconds($0) }
        self.cause = cause
    }

    /// The server refused, and said so by a `metav1.Status`.
    public init(operation: String, status: APIStatus, retryAfter: Duration? = nil) {
        let reason = status.reason.isEmpty ? "HTTP \(status.code)" : status.reason
        self.init(
            .refused, operation: operation, message: status.message.isEmpty ? reason : "\(reason): \(status.message)",
            status: status, retryAfter: retryAfter)
    }
}

extension KubernetesError: CustomStringConvertible {
    public var description: String { "\(operation): \(message)" }
}

// MARK: - What to do about it

extension KubernetesError {
    /// 404: no such object, or no such kind of object.
    public var isNotFound: Bool { status?.code == 404 }

    /// No answer came, or none in time: nothing is wrong with what was asked, as far as anybody knows.
    public var isUnanswered: Bool { code == .connectionFailed || code == .timedOut }

    /// 409: somebody else wrote in between, or owns a field that is applied.
    public var isConflict: Bool { status?.code == 409 && !isAlreadyExists }

    /// 409: an object of that name is there.
    public var isAlreadyExists: Bool { status?.reason == "AlreadyExists" }

    /// 410: what was asked for is in the past that the server has forgotten. List again.
    public var isGone: Bool { status?.code == 410 || status?.reason == "Expired" || status?.reason == "Gone" }

    /// 401: the server does not know who this is.
    public var isUnauthorized: Bool { status?.code == 401 }

    /// 403: there is no right to it, or an admission plugin says no.
    public var isForbidden: Bool { status?.code == 403 }

    /// 422: a field has a value that it may not have.
    public var isInvalid: Bool { status?.code == 422 }

    /// 429: too many requests.
    public var isTooManyRequests: Bool { status?.code == 429 }

    /// The server is behind the resource version that it was asked for: right after it has started, or because the
    /// version is from another server's past.
    public var isResourceVersionTooLarge: Bool {
        status?.causes.contains { $0.reason == "ResourceVersionTooLarge" || $0.message == "Too large resource version" }
            == true || status?.message.contains("Too large resource version") == true
    }

    /// Whether the same request can be expected to succeed later without anybody doing anything.
    public var isRetryable: Bool {
        switch code {
        case .connectionFailed, .timedOut, .credentialsUnavailable, .writingNotPermitted: true
        case .refused: isConflict || isTooManyRequests || isUnauthorized || (status?.code ?? 0) >= 500
        default: false
        }
    }
}
