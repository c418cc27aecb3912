"""An application that calls Alibaba Cloud's APIs with the default credentials. There is no model among them."""

import json

from alibabacloud_credentials.client import Client as Credentials
from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.utils_models import Config

credentials = Credentials()
client = Client(Config(credential=credentials, endpoint="sts.ap-southeast-1.aliyuncs.com"))
caller = client.get_caller_identity().body
print(json.dumps({
    "credential": credentials.get_credential().provider_name,
    # Every session has another name.
    "answer": f"called by {caller.arn.rpartition('/')[0]}",
}))
