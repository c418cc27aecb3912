import JSON
import KubernetesModel
import Testing

@Suite("Object metadata")
struct ObjectMetadataTests {
    @Test("is read without what only weighs")
    func isRead() throws {
        let metadata = try ObjectMetadata(
            parsing: Array(
                """
                {"name":"web-1","generateName":"web-","namespace":"shop","uid":"u1","resourceVersion":"42",
                 "generation":3,"creationTimestamp":"2024-02-29T12:34:56Z","labels":{"app":"web"},
                 "annotations":{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"{}"},
                 "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"u2"},
                   {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u3","controller":true,
                    "blockOwnerDeletion":true}],
                 "finalizers":["x"],"managedFields":[{"manager":"m","fieldsV1":{"f:spec":{}}}]}
                """.utf8))
        #expect(metadata.key == ObjectKey(namespace: "shop", name: "web-1"))
        #expect(metadata.uid == "u1")
        #expect(metadata.resourceVersion == "42")
        #expect(metadata.generation == 3)
        #expect(metadata.creationTimestamp == Timestamp(seconds: 1_709_210_096))
        #expect(metadata.deletionTimestamp == nil)
        #expect(metadata.labels == ["app": "web"])
        #expect(metadata.annotations == ["a": "b"])
        #expect(metadata.ownerReferences.map(\.name) == ["n", "web"])
        #expect(metadata.controller?.kind == "ReplicaSet")
    }

    @Test("is read where Go wrote null")
    func isReadWithNull() throws {
        let text = #"{"name":"x","creationTimestamp":null,"labels":null,"annotations":null,"ownerReferences":null}"#
        let metadata = try ObjectMetadata(parsing: Array(text.utf8))
        #expect(metadata == ObjectMetadata(name: "x"))
    }

    @Test("is an error where a field is of another type")
    func isAnError() {
        #expect(throws: JSONError.self) { try ObjectMetadata(parsing: Array(#"{"name":5}"#.utf8)) }
        #expect(throws: JSONError.self) { try ObjectMetadata(parsing: Array(#"{"labels":{"a":1}}"#.utf8)) }
        #expect(throws: JSONError.self) { try ObjectMetadata(parsing: Array(#"{"creationTimestamp":"soon"}"#.utf8)) }
    }
}
