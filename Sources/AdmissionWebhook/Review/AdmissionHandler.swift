public import JSON

/// Reviews the operations of one webhook path.
public protocol AdmissionHandler: Sendable {
    /// What the handler needs of an object. It is read from the review's bytes in the one pass there is over them, and what it
    /// skips costs next to nothing.
    ///
    /// Its initializer should throw for what is not JSON, for which a review gets HTTP 400 and no verdict, and a
    /// `JSONLimitExceeded` for more than it is willing to keep, for which it gets HTTP 413.
    associatedtype Object: ReviewedObject

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

    /// Gives the same verdict, if all that it depends on is at hand. It is asked first, on an event loop that serves other
    /// connections, too, so it neither waits nor computes for long.
    ///
    /// - Returns: `nil` if something has to be asked for. ``review(_:of:replacing:)`` is called then.
    func promptReview(
        _ request: AdmissionRequest, of object: Object?, replacing oldObject: Object?
    ) throws -> AdmissionResponse?
}

extension AdmissionHandler {
    public func promptReview(
        _ request: AdmissionRequest, of object: Object?, replacing oldObject: Object?
    ) throws -> AdmissionResponse? { nil }
}

/// What a handler keeps of an object. Few bytes may become many: whoever keeps more than a few values of it bounds them.
public protocol ReviewedObject: JSONReadable, Sendable {
    /// Whether reviewing it takes so long that others should not have to wait for it.
    var isLaborious: Bool { get }
}
