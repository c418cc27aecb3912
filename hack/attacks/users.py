"""Replicas as users of their own, with the rights that the chart gives, so that the audit log tells who wrote."""
import base64
import json


def make_user(cluster, namespace, name, server=None, authority=None):
    """A ServiceAccount with the ClusterRole and the Role `lanyard`, which may also evict pods, as with the chart's
    healing.enabled.

    :param server: what to connect to in place of the API server, and `authority` the file of the CA that it is known by.
    :return: the path of its kubeconfig.
    """
    cluster.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    group = "/apis/rbac.authorization.k8s.io/v1"
    cluster.create(f"{group}/clusterroles", {"metadata": {"name": "lanyard-healing"}, "rules": [
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]}]})
    for role in ("lanyard", "lanyard-healing"):
        cluster.create(f"{group}/clusterrolebindings", {
            "metadata": {"name": f"{namespace}-{name}-{role}"}, "subjects": [subject],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}})
    cluster.create(f"{group}/namespaces/{namespace}/rolebindings", {
        "metadata": {"name": name}, "subjects": [subject],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "lanyard"}})
    token = cluster.call(
        "POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}})
    with open(authority or cluster.authority, "rb") as file:
        authorities = base64.b64encode(file.read()).decode()
    path = f"{cluster.folder}/{namespace}-{name}.kubeconfig"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {
                "server": server or cluster.url, "certificate-authority-data": authorities}}],
            "users": [{"name": "u", "user": {"token": token["status"]["token"]}}]}, file)
    return path
