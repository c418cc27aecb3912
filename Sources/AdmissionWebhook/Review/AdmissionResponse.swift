public import JSON

/// A verdict: the operation goes ahead, perhaps changed, or it is refused.
///
/// An allowed operation may still carry warnings, which `kubectl` prints. Whatever is not a verdict (the handler could not
/// find out) is an error to throw, so that the webhook's `failurePolicy` decides.
public struct AdmissionResponse: Sendable, Hashable {
    /// Why an operation is refused. A client sees it as the API server's own error, prefixed with the webhook's name.
    public struct Refusal: Sendable, Hashable {
        /// An HTTP status code, 400 to 499.
        public var code: Int

        /// A reason of `metav1.Status` that fits the code, such as `Forbidden` or `Invalid`.
        public var reason: String

        /// Short, and says what to change.
        public var message: String

        public init(code: Int = 403, reason: String = "Forbidden", message: String) {
            self.code = code
            self.reason = reason
            self.message = message
        }
    }

    /// `nil`: the operation is allowed.
    public var refusal: Refusal?

    /// What to change about the object. An empty patch is the same as none.
    public var patch: JSONPatch?

    /// For the person or program that asked, the most important first. ``AdmissionWarnings`` has the limits.
    public var warnings: [String]

    /// For the API server's audit log. Keys are prefixed there with the webhook's name.
    public var auditAnnotations: [String: String]

    /// What somebody may want to know later; `nil` if nobody will.
    public var record: AdmissionRecord?

    public init(
        refusal: Refusal? = nil,
        patch: JSONPatch? = nil,
        warnings: [String] = [],
        auditAnnotations: [String: String] = [:],
        record: AdmissionRecord? = nil
    ) {
        self.refusal = refusal
        self.patch = patch
        self.warnings = warnings
        self.auditAnnotations = auditAnnotations
        self.record = record
    }

    public var allowed: Bool { refusal == nil }

    public static func allowed(patch: JSONPatch? = nil, warnings: [String] = []) -> AdmissionResponse {
        AdmissionResponse(patch: patch.flatMap { $0.isEmpty ? nil : $0 }, warnings: warnings)
    }

    public static func refused(
        _ message: String,
        code: Int = 403,
        reason: String = "Forbidden",
        warnings: [String] = []
    ) -> AdmissionResponse {
        AdmissionResponse(refusal: Refusal(code: code, reason: reason, message: message), warnings: warnings)
    }
}
