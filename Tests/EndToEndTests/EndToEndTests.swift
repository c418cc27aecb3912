import Testing

/// The whole, on a real API server with its controller manager, by real kubectl. One operator at a time: there is one
/// registration in a cluster.
@Suite(
    .serialized, .timeLimit(.minutes(10)),
    .enabled(if: ControlPlane.isPresent, Comment(rawValue: ControlPlane.absence)))
struct EndToEndTests {}
