#!/usr/bin/env bash
# Puts the compiled template onto the branch that the "Deploy to Azure" button reads, as the only file there:
#   publish-template.sh <azuredeploy.json> <version>
# The branch keeps the template of every release as a commit. Needs a clone whose remote "origin" may be pushed to.
set -euo pipefail

readonly template=$1 version=$2
readonly branch=refs/heads/deploy

blob=$(git hash-object -w -- "$template")
tree=$(printf '100644 blob %s\tazuredeploy.json\n' "$blob" | git mktree)

parent=()
if [[ -n $(git ls-remote origin "$branch") ]]; then
  git fetch --quiet origin "$branch"
  if [[ $(git rev-parse 'FETCH_HEAD^{tree}') == "$tree" ]]; then
    echo "The template is as it was; branch deploy stays."
    exit 0
  fi
  parent=(-p FETCH_HEAD)
fi

commit=$(git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit-tree "$tree" ${parent[@]+"${parent[@]}"} -m "azuredeploy.json of $version")
git push --quiet origin "$commit:$branch"
echo "Branch deploy holds azuredeploy.json of $version."
