public import JSON

/// Judges the operations of one webhook path.
public protocol AdmissionHandler: Sendable {
    /// What the handler needs of an object. It is read from the review's bytes in the one pass there is over them, and what it
    /// skips costs next to nothing.
    ///
    /// Its initializer should throw for what is not JSON alone: a review for which it throws gets HTTP 400, and no verdict.
    associatedtype Object: JSONReadable & Sendable

    /// Gives a verdict, by ``ReviewDeadline``; later it is cancelled.
    ///
    /// Reviews run side by side, and the API server may send the same object again (`reinvocationPolicy: IfNeeded`).
    ///
    /// - Parameters:
    ///   - object: as it would be stored; `nil` for `DELETE`, and for `CONNECT` the connection's options.
    ///   - oldObject: for `UPDATE` and `DELETE` the object as it is stored; `nil` for all else.
    /// - Throws: anything, if no verdict can be had. The API server is then told HTTP 500, and the webhook's `failurePolicy`
    ///   decides. The error's description is logged and sent, so it must hold no secret.
    func review(
        _ request: AdmissionRequest, of object: Object?, replacing oldObject: Object?
    ) async throws -> AdmissionResponse
}
