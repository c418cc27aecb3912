import JSON
import PodInjection
import WorkloadIdentity

// Tests write pods as values.

extension PodContext {
    init(pod: JSONValue, serviceAccountMounts: Bool? = nil) {
        self.init(pod: PodManifest(pod), serviceAccountMounts: serviceAccountMounts)
    }
}

extension Injection {
    init(of plan: Plan, into pod: JSONValue, at pointer: JSONPointer = JSONPointer(), jitter: LifetimeJitter? = nil) {
        self.init(of: plan, into: PodManifest(pod), at: pointer, jitter: jitter)
    }

    init(of plan: Plan, intoEphemeralContainersOf pod: JSONValue, before old: JSONValue) {
        self.init(of: plan, intoEphemeralContainersOf: PodManifest(pod), before: PodManifest(old))
    }
}
