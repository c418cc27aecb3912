/// Judges the operations of one webhook path.
public protocol AdmissionHandler: Sendable {
    /// Gives a verdict, within ``AdmissionServer/Configuration/reviewDeadline``; later it is cancelled.
    ///
    /// Reviews run side by side, and the API server may send the same object again (`reinvocationPolicy: IfNeeded`).
    ///
    /// - Throws: anything, if no verdict can be had. The API server is then told HTTP 500, and the webhook's `failurePolicy`
    ///   decides. The error's description is logged and sent, so it must hold no secret.
    func review(_ request: AdmissionRequest) async throws -> AdmissionResponse
}
