import JSON
import KubernetesClient
import KubernetesModel
import Testing

@Suite("Requests")
struct KubernetesRequestTests {
    let accounts = ServiceAccount.resourceType
    let deployments = Deployment.resourceType
    let key = ObjectKey(namespace: "shop", name: "web")

    @Test("a list names the namespace, or all of them")
    func list() {
        let all = KubernetesRequest.list(accounts)
        #expect(all.method == .get)
        #expect(all.target == "/api/v1/serviceaccounts?limit=500")
        #expect(all.operation == "list serviceaccounts in all namespaces")
        let some = KubernetesRequest.list(deployments, in: "shop", ListOptions(limit: nil))
        #expect(some.target == "/apis/apps/v1/namespaces/shop/deployments")
        #expect(some.operation == "list deployments in namespace shop")
        let nodes = KubernetesRequest.list(Node.resourceType, in: "ignored", ListOptions(limit: nil))
        #expect(nodes.target == "/api/v1/nodes")
        #expect(nodes.operation == "list nodes")
    }

    @Test("selectors and tokens are percent-encoded")
    func encoding() {
        let options = ListOptions(
            labelSelector: "app in (web,é)", fieldSelector: "status.phase!=Succeeded", resourceVersion: "7",
            limit: 2, continueToken: "a+b/c=&x")
        let expected =
            "/api/v1/serviceaccounts?labelSelector=app%20in%20%28web%2C%C3%A9%29"
            + "&fieldSelector=status.phase%21%3DSucceeded&resourceVersion=7&limit=2&continue=a%2Bb%2Fc%3D%26x"
        #expect(KubernetesRequest.list(accounts, in: nil, options).target == expected)
    }

    @Test("a name cannot leave its place in the path")
    func names() {
        let request = KubernetesRequest.get(accounts, ObjectKey(namespace: "a/b", name: "../c?d"))
        #expect(request.path == "/api/v1/namespaces/a%2Fb/serviceaccounts/..%2Fc%3Fd")
    }

    @Test("a watch asks for bookmarks and says when to end")
    func watch() {
        let request = KubernetesRequest.watch(
            accounts, in: nil, WatchOptions(resourceVersion: "42", timeout: .seconds(330)))
        let query = "?watch=true&allowWatchBookmarks=true&resourceVersion=42&timeoutSeconds=330"
        #expect(request.target == "/api/v1/serviceaccounts" + query)
        #expect(request.isWatch)
    }

    @Test("metadata alone is asked for by content negotiation")
    func metadata() {
        let list = KubernetesRequest.list(Pod.resourceType, as: .metadata)
        let parameters = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        #expect(
            list.accept
                == "application/vnd.kubernetes.protobuf;\(parameters),application/json;\(parameters),application/json")
        let watch = KubernetesRequest.watch(Pod.resourceType, WatchOptions(resourceVersion: "1"), as: .metadata)
        #expect(watch.accept.hasPrefix("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"))
        #expect(KubernetesRequest.get(Pod.resourceType, key).accept == "application/json")
    }

    @Test("a server-side apply fills in what identifies the object")
    func apply() throws {
        let request = KubernetesRequest.apply(
            deployments, key, ["status": ["conditions": []]], subresource: "status", fieldManager: "me & you")
        #expect(request.method == .patch)
        #expect(
            request.target
                == "/apis/apps/v1/namespaces/shop/deployments/web/status?fieldManager=me%20%26%20you&force=true")
        #expect(request.contentType == "application/apply-patch+yaml")
        #expect(request.operation == "apply deployments/status shop/web")
        let expected: JSONValue = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "namespace": "shop"],
            "status": ["conditions": []],
        ]
        #expect(try JSONValue(parsing: request.body) == expected)
    }

    @Test(
        "each kind of patch has its content type",
        arguments: [
            (KubernetesPatch.merge([:]), "application/merge-patch+json", "{}"),
            (.strategicMerge(["a": 1]), "application/strategic-merge-patch+json", #"{"a":1}"#),
            (.apply([:], force: false), "application/apply-patch+yaml", "{}"),
            (
                .json(JSONPatch([.add(JSONPointer("a", "b/c"), "x")])), "application/json-patch+json",
                #"[{"op":"add","path":"/a/b~1c","value":"x"}]"#
            ),
        ])
    func patches(patch: KubernetesPatch, contentType: String, body: String) throws {
        let request = KubernetesRequest.patch(accounts, key, patch, fieldManager: "me")
        #expect(request.contentType == contentType)
        #expect(try JSONValue(parsing: request.body) == JSONValue(parsing: Array(body.utf8)))
    }

    @Test("an object is created in its namespace, and what hangs on it below it")
    func create() throws {
        let request = KubernetesRequest.create(
            accounts, ["metadata": ["name": "web"]], in: "shop", fieldManager: "me")
        #expect(request.method == .post)
        #expect(request.target == "/api/v1/namespaces/shop/serviceaccounts?fieldManager=me")
        #expect(request.operation == "create serviceaccounts shop/web")
        #expect(try JSONValue(parsing: request.body)["kind"]?.string == "ServiceAccount")
        let token = KubernetesRequest.create("token", of: accounts, key, ["spec": [:]])
        #expect(token.target == "/api/v1/namespaces/shop/serviceaccounts/web/token")
    }

    @Test("a deletion can be of one very object")
    func delete() throws {
        #expect(KubernetesRequest.delete(accounts, key).body.isEmpty)
        let request = KubernetesRequest.delete(accounts, key, uid: "u1")
        #expect(request.method == .delete)
        #expect(try JSONValue(parsing: request.body)["preconditions"] == ["uid": "u1"])
    }

    @Test("what is not an object has a path of its own")
    func nonResource() {
        let request = KubernetesRequest.nonResource("/.well-known/openid-configuration")
        #expect(request.target == "/.well-known/openid-configuration")
        #expect(request.operation == "get /.well-known/openid-configuration")
    }
}
