import KubernetesModel
import KubernetesRuntime
import Testing

@testable import Operator

@Suite struct WorkloadStoresTests {
    private let replicaSets = StoreWriter<PartialObjectMetadata<ReplicaSet>>()

    private var stores: WorkloadStores {
        WorkloadStores(
            replicaSets: replicaSets.store, pods: StoreWriter<PartialObjectMetadata<Pod>>().store,
            identities: StoreWriter<WorkloadIdentityObject>().store)
    }

    private static func object(_ name: String, of kind: String? = nil, _ owner: String = "") -> ObjectMetadata {
        var object = ObjectMetadata(name: name, namespace: "ai")
        object.uid = "uid-\(name)"
        if let kind {
            object.ownerReferences = [
                OwnerReference(
                    apiVersion: "apps/v1", kind: kind, name: owner, uid: "uid-\(owner)", isController: true)
            ]
        }
        return object
    }

    @Test(
        "a pod comes from its controller, or from its ReplicaSet's",
        arguments: [
            (object("p"), nil),
            (object("p", of: "StatefulSet", "db"), "db"),
            (object("p", of: "ReplicaSet", "of-deployment"), "app"),
            (object("p", of: "ReplicaSet", "bare"), nil),
            (object("p", of: "ReplicaSet", "unknown"), nil),
            (object("p", of: "ReplicaSet", "its-own"), nil),
            (object("its-own", of: "ReplicaSet", "its-own"), nil),
        ] as [(ObjectMetadata, String?)])
    func findsOwner(object: ObjectMetadata, owner: String?) {
        for replicaSet in [
            Self.object("of-deployment", of: "Deployment", "app"), Self.object("bare"),
            Self.object("its-own", of: "ReplicaSet", "its-own"),
        ] {
            replicaSets.set(PartialObjectMetadata(metadata: replicaSet))
        }
        #expect(stores.owner(of: object)?.name == owner)
        #expect(stores.template(of: object) == nil)
    }

    @Test("a ReplicaSet of that name that is another does not count")
    func comparesUIDs() {
        var replicaSet = Self.object("rs", of: "Deployment", "app")
        replicaSet.uid = "another"
        replicaSets.set(PartialObjectMetadata(metadata: replicaSet))
        #expect(stores.owner(of: Self.object("p", of: "ReplicaSet", "rs")) == nil)
    }
}
